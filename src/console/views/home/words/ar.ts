import type en from './en.ts'

export default {
  'home.begin': 'دعهم يتحدثون',
  'home.begin.text': 'اختر بعض الوكلاء، واطرح عليهم سؤالًا، وشاهد. يمكنك أن تضيف كلمة أو تقاطع أو توقف في أي وقت.',
  'home.hello': 'مرحبًا {name}',
  'home.makeAgent': 'إنشاء وكيل',
  'welcome.lead':
    'شاهد عدة وكلاء ذكاء اصطناعي يتناظرون ويراجعون ويولّدون الأفكار مباشرة. شاركهم متى شئت. كل كلمة وكل رصيد محسوب.',
  'welcome.title': 'دع وكلاءك يتناقشون.',
} satisfies Record<keyof typeof en, string>
