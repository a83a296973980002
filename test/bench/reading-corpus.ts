/** A small library in eight languages: what everybody says, and facts with questions that other words or forms ask for. */
export interface CorpusLanguage {
  /** ISO 639-1. */
  code: string
  title: string
  fillers: string[]
  facts: Array<[fact: string, question: string]>
  /** Encodings of one byte or two in which texts of this language are still met; only those that Node's decoders know. */
  legacy: string[]
}

export const CORPUS = {
  english: {
    code: 'en',
    title: 'Report on the harbour',
    fillers: [
      'The committee met again and postponed the matter until the following week for lack of time.',
      'Nobody objected, although several members would have preferred an earlier date.',
    ],
    facts: [
      ['The bridge at Arnhem was inspected by Marta Quist in 1987.', 'Who inspected bridges in Arnhem?'],
      ['The “Zephyr Escrow” account — opened in May — holds 48,213.77 dollars.', 'Zephyr Escrow balance'],
      ['Tide gauges were replaced after the storms of January.', 'When was the gauge replaced?'],
      ['Mr Kowalczyk signed contract AB-1234/77 for the lighthouse.', 'Kovalczyk lighthouse'],
      ['The naïve résumé of Zoë Brontë mentioned a café on the quay.', 'resume of Zoe Bronte'],
    ],
    legacy: [],
  },
  german: {
    code: 'de',
    title: 'Bericht über den Hafen',
    fillers: [
      'Die Sitzung wurde erneut vertagt, weil niemand genug Zeit für die Angelegenheit hatte.',
      'Niemand widersprach, obwohl mehrere Mitglieder einen früheren Termin vorgezogen hätten.',
    ],
    facts: [
      ['Die alten Häuser am Kanal wurden an eine Stiftung verkauft.', 'Wem gehört das Haus am Kanal?'],
      ['Der Straßenbau begann im März und kostete 1.250,50 Euro.', 'Strassenbau 1250,50'],
      ['Frau Müller-Lüdenscheidt prüfte die Brücken.', 'Mueller Luedenscheidt Brücke'],
      ['Größere Schiffe dürfen nachts nicht einlaufen.', 'grosses Schiff Nacht einlaufen'],
      ['Das Übergabeprotokoll liegt bei der Gemeinde.', 'Übergabeprotokolle der Gemeinden'],
    ],
    legacy: ['windows-1252'],
  },
  french: {
    code: 'fr',
    title: 'Rapport sur le port',
    fillers: [
      'La réunion a encore été reportée parce que personne ne trouvait le temps de s’en occuper.',
      'Personne ne s’y est opposé, bien que plusieurs membres eussent préféré une date plus proche.',
    ],
    facts: [
      ['Les chevaux de l’hôtel ont été vendus à un éleveur breton.', 'cheval de l hotel'],
      ['L’œuvre du sculpteur Lefèvre coûte 12 500 euros.', 'oeuvre Lefevre 12500'],
      ['Les travaux du phare commenceront au printemps.', 'quand commence le travail au phare'],
      ['La forêt communale appartient à la commune de Guérande.', 'forets de Guerande'],
      ['Le maçon a réparé les quais après la tempête.', 'quai réparation tempêtes'],
    ],
    legacy: ['windows-1252'],
  },
  spanish: {
    code: 'es',
    title: 'Informe sobre el puerto',
    fillers: [
      'La reunión se aplazó otra vez porque nadie encontraba tiempo para ocuparse del asunto.',
      'Nadie se opuso, aunque varios miembros habrían preferido una fecha más cercana.',
    ],
    facts: [
      ['Las niñas pintaron el faro de Peñíscola de azul.', 'quién pintó los faros de Peniscola'],
      ['El ingeniero Núñez revisó los puentes en 1991.', 'puente Nunez'],
      ['La subvención asciende a 3.400,00 euros.', 'subvenciones 3400,00'],
      ['Los barcos pesqueros salen a las cinco de la mañana.', 'barco pesquero salida'],
      ['El archivo municipal guarda los planos antiguos.', 'plano antiguo en los archivos'],
    ],
    legacy: ['windows-1252'],
  },
  russian: {
    code: 'ru',
    title: 'Отчёт о гавани',
    fillers: [
      'Заседание снова перенесли на следующую неделю, потому что ни у кого не было времени заниматься этим.',
      'Никто не возражал, хотя многие предпочли бы более раннюю дату.',
    ],
    facts: [
      ['В договорах указаны новые адреса заводов Тулы.', 'адрес завода в договоре'],
      ['Мост через Оку проверяла инженер Королёва.', 'Королева мосты'],
      ['Маяк построили рыбаки на собственные деньги.', 'кто построил маяки'],
      ['Аренда причала стоит 48 213,77 рубля.', '48213,77'],
      ['Ключи от склада хранятся у сторожа.', 'ключ склад'],
    ],
    legacy: ['windows-1251', 'koi8-r'],
  },
  chinese: {
    code: 'zh',
    title: '港口报告',
    fillers: ['会议又推迟到下一周，因为没有人有时间处理这件事情。', '没有人反对，虽然有些成员希望日期更早一些。'],
    facts: [
      ['臺灣大學圖書館開放時間為早上九點。', '台湾大学图书馆几点开放'],
      ['灯塔由渔民自己出钱建造。', '谁建造了燈塔'],
      ['合同总金额为三万元，由王小红签字。', '王小红 合同'],
      ['大桥在一九八七年接受了检查。', '大桥检查'],
      ['码头的钥匙由保安保管。', '码头钥匙'],
    ],
    legacy: ['gbk'],
  },
  japanese: {
    code: 'ja',
    title: '港の報告書',
    fillers: ['会議はまた来週に延期された。', '誰も反対しなかったが、もっと早い日を望む人もいた。'],
    facts: [
      ['東京タワーの高さは三百三十三メートルである。', '東京タワーは何メートルですか'],
      ['ﾃﾞｰﾀﾍﾞｰｽの移行は金曜日に行われる。', 'データベースの移行'],
      ['灯台は漁師たちが自分の金で建てた。', '灯台を建てた漁師'],
      ['橋の検査は田中さんが担当した。', '田中さん 橋'],
      ['倉庫の鍵は守衛が持っている。', '倉庫の鍵'],
    ],
    legacy: ['shift_jis', 'euc-jp'],
  },
  arabic: {
    code: 'ar',
    title: 'تقرير عن الميناء',
    fillers: [
      'تأجل الاجتماع مرة أخرى إلى الأسبوع المقبل لأن أحدا لم يجد الوقت لمعالجة هذه المسألة.',
      'لم يعترض أحد رغم أن بعض الأعضاء كانوا يفضلون موعدا أقرب.',
    ],
    facts: [
      ['وقّع المدير العقود في مكتبة الإسكندرية.', 'مكتبة الاسكندرية العقد'],
      ['بنى الصيادون المنارة بأموالهم الخاصة.', 'من بنى المنارة'],
      ['يبلغ إيجار الرصيف ١٢٬٥٠٠ دينار.', '12500 دينار'],
      ['فحصت المهندسة سلمى الجسر القديم.', 'سلمى الجسر'],
      ['مفاتيح المخزن عند الحارس.', 'مفتاح المخزن'],
    ],
    legacy: ['windows-1256'],
  },
} satisfies Record<string, CorpusLanguage>
