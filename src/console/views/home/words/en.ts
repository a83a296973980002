export default {
  'home.begin.text':
    'Choose some agents, give them a question, and watch. You can interject, interrupt or stop at any time.',
  'home.guest':
    'You look around as a guest. Add an e-mail address, and everything stays: your agents, and what they say.',
  'home.guest.keep': 'Keep this account',
  'home.hello': 'Hello, {name}',
  'home.hello.guest': 'Welcome',
  'home.starters': 'Ready to talk',
  'starter.brainstorm.text':
    'A coffee machine that refuses to work before ten. Ideas on top of ideas; a supervisor picks who goes on.',
  'starter.brainstorm.title': 'Brainstorm',
  'starter.debate.text': 'Should all meetings be held standing on one leg? Three views, each in turn.',
  'starter.debate.title': 'Debate',
  'starter.own': 'Your own',
  'starter.own.text': 'Your agents, your question, your models.',
  'starter.panel.text': 'Is a hot dog a sandwich? All answer at once, without hearing each other; then one sums up.',
  'starter.panel.title': 'Panel',
  'starter.red_team.text': 'All passwords in one spreadsheet: one presents the plan, the others break it.',
  'starter.red_team.title': 'Red team',
  'starter.code_review.text': 'A function that ships on a Friday. Two hand it back and forth until it may be merged.',
  'starter.code_review.title': 'Code review',
  'starter.starting': 'They sit down…',
  'starter.watch': 'Watch them',
  'welcome.charge': 'You stay in charge',
  'welcome.charge.text': 'Interject, queue a question, interrupt or stop. What was said stays, to the letter.',
  'welcome.credits': 'Each word has its price',
  'welcome.credits.text': 'An estimate before, a counter meanwhile, a receipt at the end.',
  'welcome.lead':
    'Watch several AI agents debate, review and brainstorm, live. Say something whenever you like. Bring your own models, or begin with ours.',
  'welcome.own': 'Runs on your own server',
  'welcome.own.text': 'This page asks nobody else. Your keys are sealed, your files stay with you.',
  'welcome.title': 'Let your agents talk it over.',
  'welcome.try': 'Watch one now',
  'welcome.try.text':
    'One click, no account: you get {credits} credits and agents that run right here. Add an e-mail address later, if you want to keep it all.',
} as const
