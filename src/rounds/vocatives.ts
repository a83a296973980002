/**
 * How languages call somebody: what may stand before a name that is called, and behind it. All folded as names are.
 */

/** Words before a name that is called: "hey Ada", "what about Ada?". */
export const OPENING_WORDS: readonly string[] = [
  ...['hey', 'hi', 'hello', 'dear', 'so', 'and', 'or', 'but', 'now', 'then', 'ok', 'okay', 'well', 'over to', 'ask'],
  ...['thanks', 'thank you', 'what about', 'how about', 'hallo', 'liebe', 'lieber', 'und', 'danke', 'was ist mit'],
  ...['bonjour', 'salut', 'cher', 'chère', 'et', 'merci', 'hola', 'y', 'gracias', 'olá', 'oi', 'e', 'ciao', 'cześć'],
  ...['merhaba', 'selam', 'sevgili', 'peki', 've', 'teşekkürler', 'привет', 'а', 'и', 'спасибо', 'дорогая', 'дорогой'],
  ...['chào', 'xin chào', 'còn', 'thưa', 'halo', 'hej', 'hei', 'ahoj'],
  ...['يا', 'مرحبا', 'أهلا', 'شكرا', 'عزيزي', 'عزيزتي', 'היי', 'שלום', 'תודה', 'अरे', 'नमस्ते', '그럼', '안녕', '자'],
].map((word) => word.normalize('NFKC').toLowerCase())

/** The same where words have no spaces between them. */
export const UNSPACED_OPENINGS: readonly string[] = [
  ...['你好', '您好', '嗨', '喂', '嘿', '那么', '那麼', '谢谢', '謝謝', '感谢', '亲爱的', '还有', '和', '与', '跟'],
  ...[
    'ねえ',
    'では',
    'じゃあ',
    'それでは',
    'こんにちは',
    'と',
    'それに',
    'คุณ',
    'สวัสดี',
    'สวัสดีคุณ',
    'แล้ว',
    'พี่',
    'น้อง',
    'และ',
  ],
  ...['呢', '吗', '嗎', '吧', '啊', 'か', 'ね', 'よ'],
]

/** Whoever stands behind these is asked to speak, whatever follows. */
export const SUMMONS: readonly string[] = ['请', '請', '请问', '請問', '有请', '有請', '轮到', '輪到', '次は', '続いて']

/** Words that join a called name to the next: "Ada and Blaise, ...". */
export const JOINING_WORDS: readonly string[] = [
  'and',
  'or',
  'und',
  'oder',
  'et',
  'ou',
  'y',
  'o',
  'e',
  'i',
  've',
  'и',
  'или',
  'và',
]
export const UNSPACED_JOINTS: readonly string[] = ['和', '与', '與', '跟', 'と', 'และ', '、']

/** Titles before a name, which call nobody by themselves. */
export const TITLES: readonly string[] = [
  'dr',
  'dr.',
  'mr',
  'mr.',
  'mrs',
  'mrs.',
  'ms',
  'ms.',
  'prof',
  'prof.',
  'professor',
  'sir',
  'herr',
  'frau',
  'доктор',
]

/** All titles before a name; what stands before them decides whether it is called. */
export const TITLES_BEFORE: readonly string[] = [
  ...TITLES,
  ...[
    'señor',
    'señora',
    'sr.',
    'sra.',
    'don',
    'doña',
    'monsieur',
    'madame',
    'mme',
    'signor',
    'signora',
    'senhor',
    'pan',
    'pani',
  ],
  ...[
    'ông',
    'bà',
    'anh',
    'chị',
    'cô',
    'bạn',
    'господин',
    'госпожа',
    'доктор',
    'מר',
    'גברת',
    'السيد',
    'السيدة',
    'الدكتور',
  ],
]

/** Titles behind names, longest first where one begins another. */
export const UNSPACED_TITLES: readonly string[] = [
  ...['先生', '女士', '小姐', '老师', '老師', '同学', '同學', '博士', '教授', '大哥', '大姐', '哥', '姐', '兄', '总'],
  ...['さん', 'さま', '様', 'ちゃん', 'くん', '君', '殿', '氏', '先輩', 'せんせい', 'たん', 'ครับ', 'ค่ะ', 'คะ'],
]
export const LATIN_TITLES: readonly string[] = [
  ' ơi',
  ' ạ',
  '-san',
  '-sama',
  '-kun',
  '-chan',
  '-sensei',
  '-senpai',
  '-ssi',
  '-nim',
  '-ji',
]

/** Behind a Chinese name these make a call, the second kind in a question only. */
export const CHINESE_YOU: readonly string[] = ['你', '您', '妳', '请', '請', '说说', '說說', '来说', '來說', '呢']
export const CHINESE_ASKING: readonly string[] = [
  ...[
    '怎么',
    '怎麼',
    '觉得',
    '覺得',
    '认为',
    '認為',
    '如何',
    '有何',
    '有什么',
    '有什麼',
    '能',
    '可以',
    '同意',
    '还有',
    '會',
    '会',
  ],
]
export const JAPANESE_TOPICS: readonly string[] = ['は', 'って', 'なら', 'としては', 'も', 'から']
/** What may end a question that has no question mark. */
export const ASKING_ENDS: readonly string[] = [
  'か',
  'かな',
  '吗',
  '嗎',
  '呢',
  'ไหม',
  'มั้ย',
  'อย่างไร',
  'ยังไง',
  'ไง',
  'หรือ',
  'อะไร',
  'คะ',
  '까',
  '니',
  '나요',
]

/** What follows a Korean name within its word. */
export const KOREAN_CALLS: readonly string[] = [
  '아',
  '야',
  '이여',
  '여',
  '님',
  '씨',
  '군',
  '양',
  '선생님',
  '박사님',
  '교수님',
  '선배',
  '형',
  '누나',
  '언니',
  '오빠',
]
export const KOREAN_TOPICS: readonly string[] = ['은', '는', '이는', '도', '이도', '께서는', '이라면', '라면']
export const KOREAN_PARTICLES: readonly string[] = [
  ...[
    '이',
    '가',
    '을',
    '를',
    '의',
    '에',
    '에게',
    '에게서',
    '한테',
    '한테서',
    '께',
    '께서',
    '와',
    '과',
    '랑',
    '이랑',
    '하고',
  ],
  ...['만', '부터', '까지', '로', '으로', '보다', '처럼', '이나', '나', '이가', '이를', '이의', '이에게', '이한테'],
]

/** Letters that Hebrew and Arabic write before a name in one word: the first kind is "and". */
export const JOINED_AND: readonly string[] = ['ו', 'و', 'ف']
export const JOINED_PREPOSITIONS: readonly string[] = ['ל', 'ב', 'מ', 'ש', 'כ', 'ה', 'ل', 'ب', 'ك']

/** First words of names that call nobody by themselves. */
export const ARTICLES: readonly string[] = [
  'the',
  'a',
  'an',
  'der',
  'die',
  'das',
  'le',
  'les',
  'el',
  'los',
  'las',
  'il',
  'lo',
]
