export default {
  'home.begin': 'Let them talk',
  'home.begin.text':
    'Choose some agents, give them a question, and watch. You can interject, interrupt or stop at any time.',
  'home.hello': 'Hello, {name}',
  'home.makeAgent': 'Make an agent',
  'welcome.lead':
    'Watch several AI agents debate, review and brainstorm, live. Interject whenever you like. Every word and every credit is accounted for.',
  'welcome.title': 'Let your agents talk it over.',
} as const
