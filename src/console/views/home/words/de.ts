import type en from './en.ts'

export default {
  'home.begin.text':
    'Wählen Sie einige Agenten, geben Sie ihnen eine Frage und sehen Sie zu. Sie können jederzeit etwas einwerfen, unterbrechen oder anhalten.',
  'home.guest':
    'Sie sehen sich als Gast um. Mit einer E-Mail-Adresse bleibt alles erhalten: Ihre Agenten und was sie sagen.',
  'home.guest.keep': 'Konto behalten',
  'home.hello': 'Hallo, {name}',
  'home.hello.guest': 'Willkommen',
  'home.starters': 'Bereit zum Gespräch',
  'starter.brainstorm.text':
    'Eine Kaffeemaschine, die vor zehn Uhr nicht arbeitet. Idee auf Idee; eine Leitung wählt, wer weitermacht.',
  'starter.brainstorm.title': 'Ideensammlung',
  'starter.debate.text': 'Sollten alle Besprechungen auf einem Bein stattfinden? Drei Ansichten, reihum.',
  'starter.debate.title': 'Debatte',
  'starter.own': 'Ihre eigene Runde',
  'starter.own.text': 'Ihre Agenten, Ihre Frage, Ihre Modelle.',
  'starter.panel.text':
    'Ist ein Hotdog ein Sandwich? Alle antworten zugleich, ohne einander zu hören; dann fasst jemand zusammen.',
  'starter.panel.title': 'Podium',
  'starter.red_team.text': 'Alle Passwörter in einer Tabelle: Jemand stellt den Plan vor, die anderen zerlegen ihn.',
  'starter.red_team.title': 'Red Team',
  'starter.code_review.text':
    'Eine Funktion, die am Freitag ausgeliefert wird. Zwei reichen sie hin und her, bis sie gut genug ist.',
  'starter.code_review.title': 'Code-Review',
  'starter.starting': 'Sie nehmen Platz …',
  'starter.watch': 'Zusehen',
  'welcome.charge': 'Sie behalten das Heft in der Hand',
  'welcome.charge.text':
    'Werfen Sie etwas ein, reihen Sie eine Frage ein, unterbrechen Sie oder halten Sie an. Was gesagt wurde, bleibt Wort für Wort.',
  'welcome.credits': 'Jedes Wort hat seinen Preis',
  'welcome.credits.text': 'Vorher eine Schätzung, unterwegs ein Zähler, am Ende ein Beleg.',
  'welcome.lead':
    'Sehen Sie live zu, wie mehrere KI-Agenten debattieren, prüfen und Ideen sammeln. Reden Sie mit, wann Sie wollen. Bringen Sie eigene Modelle mit oder beginnen Sie mit unseren.',
  'welcome.own': 'Läuft auf Ihrem eigenen Server',
  'welcome.own.text':
    'Diese Seite fragt niemand anderen. Ihre Schlüssel sind versiegelt, Ihre Dateien bleiben bei Ihnen.',
  'welcome.title': 'Lassen Sie Ihre Agenten darüber reden.',
  'welcome.try': 'Jetzt gleich zusehen',
  'welcome.try.text':
    'Ein Klick, ohne Konto: Sie bekommen {credits} Credits und Agenten, die gleich hier laufen. Mit einer E-Mail-Adresse behalten Sie später alles, wenn Sie möchten.',
} satisfies Record<keyof typeof en, string>
