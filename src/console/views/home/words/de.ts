import type en from './en.ts'

export default {
  'home.begin': 'Lassen Sie sie sprechen',
  'home.begin.text':
    'Wählen Sie einige Agenten, geben Sie ihnen eine Frage und sehen Sie zu. Sie können jederzeit etwas einwerfen, unterbrechen oder anhalten.',
  'home.hello': 'Hallo, {name}',
  'home.makeAgent': 'Agenten anlegen',
  'welcome.lead':
    'Sehen Sie live zu, wie mehrere KI-Agenten debattieren, prüfen und Ideen sammeln. Sprechen Sie jederzeit mit. Jedes Wort und jeder Credit wird abgerechnet.',
  'welcome.title': 'Lassen Sie Ihre Agenten darüber reden.',
} satisfies Record<keyof typeof en, string>
