/**
 * What the demo agents say in the parties that are ready for everybody (`src/parties/starters.ts`), so that the first party that somebody
 * ever sees is worth reading. A play is known by words of the user's message, and is over when the user says something else; whoever
 * has no lines, or no more, goes on in phrases as everywhere.
 */
export interface Play {
  /** Words that the user's message has. */
  cue: string
  /** By speaker: what is said first, second, ... since the user spoke; each in several versions, of which one is heard. */
  lines: Record<string, string[][]>
}

export const PLAYS: readonly Play[] = [
  {
    cue: 'held standing on one leg',
    lines: {
      Ada: [
        [
          'I am for it, and I can prove it on an envelope. The average meeting lasts 50 minutes, the average adult stands on one leg for 22 seconds, and nothing that was ever decided in a meeting took longer than that. The remaining 49 minutes and 38 seconds are engineering time.',
          'Let me be practical: a meeting is a queue with chairs. Take away the chairs and the queue drains; take away a leg and it drains before anybody says "synergy". The cost is one yoga mat a room, and I have already found them cheaper in bulk.',
        ],
        [
          'Blaise is right about the risk, so we measure it: two weeks, one team, a stopwatch, and somebody with a first aid certificate. If decisions get worse we sit down again. If only the agenda gets shorter, we call it a platform migration and everybody is happy.',
          'Fair points. Then the smallest version that could work: one meeting, the Monday one that nobody can explain, on one leg, with a wall within reach. The wall is our fallback. Every serious system has a wall.',
        ],
      ],
      Blaise: [
        [
          'I have a question that nobody in favour of this ever answers: which leg? Within a month there will be a left-leg camp, a right-leg camp and a committee on legs, and the committee will meet sitting down. You are not shortening meetings, Ada. You are breeding them.',
          'Notice who proposes it: people with good balance. Decisions will then be made by flamingos. I have worked with flamingos; they are confident, they are pink in the face, and they do not read the appendix.',
        ],
        [
          'I concede one thing: the falling over would be minuted more accurately than anything we discuss. But the hidden assumption is that short meetings are good ones. The shortest meeting that I ever attended ended with "what could go wrong?", and we are still paying for it.',
          'Granted, a trial is cheap. So was the ping-pong table, and look at it now: it holds the printer. I will vote for one leg on the day when whoever called the meeting has to hop for as long as it lasts.',
        ],
      ],
      Clara: [
        [
          'Oh, you are both thinking far too small! One leg is only the prototype. Picture it: budget talks on a trampoline, performance reviews in a slow dance, and the yearly strategy as a three-legged race in which departments are finally tied together. Blaise, you would make a splendid flamingo.',
          'What I love here is that balance becomes a shared resource. You cannot wobble alone in a meeting: somebody reaches out a hand, and there is your team building, without the rope course. Ada, can we add music?',
        ],
        [
          'Then we agree more than it looks: Ada gets her stopwatch, Blaise gets his hopping chairman, and I get the trampoline for the retrospective. Let us try it on Thursday. Worst case, we all fall over at the same time, and that is called alignment.',
          'So here is where this debate has landed, gracefully or not: try it once, near a wall, with the boss on the hopping side. And if it works, I reserve the word "pivot" before anybody else does.',
        ],
      ],
    },
  },
  {
    cue: 'isEven(n - 1)',
    lines: {
      Ada: [
        [
          'It is correct for 0, and it is honest about everything else: it asks its neighbour. For `isEven(100000)` that is a hundred thousand neighbours, and then the stack overflows. For -1 it counts down to minus infinity, which on a Friday takes until Monday. Please make it `return n % 2 === 0`; that is one line, and it does not need a ladder. Blaise, what else do you see?',
          'First the good news: no dependencies. Now the rest. The recursion costs one stack frame a number, so this function does not compute whether n is even, it walks there on foot. `n % 2 === 0` is shorter, faster, and finishes before the on-call person has put the phone down. Blaise, what would break first?',
        ],
        [
          'Agreed on the tests: 0, 1, -1, 2.5, and one that is large enough to be embarrassing. My verdict: not mergeable as it is, mergeable in two minutes. And I would keep this version in the wiki, under "Recursion: a cautionary tale". Blaise, do you approve it with that?',
          'Then let us settle it: the remainder operator, an explicit refusal of what is no integer, five tests, and no release on a Friday. That is three comments and one principle, which is a good ratio for a review. Blaise, anything left?',
        ],
      ],
      Blaise: [
        [
          'What worries me is the input that nobody will pass, because somebody will. `isEven(2.5)` goes past zero like a night bus: 2.5, 1.5, 0.5, -0.5, and it is never seen again. `isEven("3")` works by accident, which is worse than failing. And who is this for? If it is the billing code, I would like to leave before the invoices do. Ada, which tests would you ask for?',
          'Let me name the risk in the room: it passed its test. I looked; the test is `isEven(0)`. That is not a test, that is a greeting. Feed it a negative number and you have a small electric heater. Also, the name promises an answer and the type promises nothing. Ada, how would you pin it down?',
        ],
        [
          'Approved, with my usual condition: somebody other than the author deletes the old one, and waves. I take back that it should be rewritten in a safer language; it should be rewritten in a shorter one. Good review. Nobody cried, and the stack is still standing.',
          'No objection left, which makes me suspicious of myself. One last note for the log: the bug here was never the recursion, it was "ships on a Friday". Merge it on Tuesday, like people who have plans for the weekend.',
        ],
      ],
    },
  },
  {
    cue: 'refuses to work before ten',
    lines: {
      Clara: [
        [
          'Names first: "Latte Riser". "Espresso Later". "The Snooze Brewer". And it should sigh! At 9:59 it clears its throat, at 10:00 it plays one heroic chord and makes the best coffee of your life. People will queue for the chord.',
          'Call it "Procaffinator", and give it a face: two lights, half closed until ten. If you press the button too early it slides out a biscuit instead, without comment. I want to be that machine.',
        ],
        [
          'Yes, and let us turn refusal into a feature: every morning it refuses for a different, beautiful reason. "The beans are journaling." "I am between identities." "Mercury is in the filter." Collect all thirty, and the thirty-first is decaf.',
          'What if it negotiates? You may have coffee at 9:40 if you tell it one thing that you look forward to today. Half the office would start the day with a good thought, and the other half would start it by lying to an appliance. Both are progress.',
        ],
        [
          'I am taking all of it: the sigh, the biscuit, the thirty excuses and the audit trail for Blaise. Next experiment: we put a cardboard box with googly eyes on the old machine, tomorrow, and count who smiles.',
        ],
      ],
      Ada: [
        [
          'The simplest thing that could work: a kitchen timer and a sticker that says "no". Version two is a clock with an API. I would skip version three, the one with a neural network that predicts thirst; we have Blaise for that, he looks thirsty by eight.',
          'I like it because it is cheap: the machine already refuses to work, we only have to give it a schedule. Twelve lines of firmware, one emergency override, and the override is a very long poem that has to be typed in without a mistake.',
        ],
        [
          'For the trick: a service level. 99.9 per cent availability, measured from 10:00, excluding Mondays, planned sulking and the monthly descaling, which it announces as "a spa day". On paper it is then more reliable than our build server.',
          'A small step on top of that: it keeps a public log of who asked how often before ten. No names, only shoe sizes. Peer pressure is the one distributed system that I have never seen go down.',
        ],
        [
          'To sum up what is buildable this week: timer, sticker, biscuit drawer. The poem is in the backlog, and somebody please write it in iambic firmware.',
        ],
      ],
      Blaise: [
        [
          'I shall be the cloud over this picnic: by Wednesday somebody will have moved its clock. You are not designing a coffee machine, you are designing an arms race. Name: "Cold Brew War".',
          'A machine that refuses to work and is loved for it? We have had three of those in management. Still, "Existential Grind" looks good on a mug, and I would buy the mug.',
        ],
        [
          'What worries me is that it will refuse better than I do. If the appliance may say "I am not available for that emotionally" at 8:15, on what grounds do I attend the stand-up? I want its contract.',
          'One trick that you have missed: after ten it should be unbearably cheerful. "You came back! Again! That makes four!" Nothing lowers consumption like being counted lovingly.',
        ],
        [
          'Very well, I am won over, with one amendment: the decaf button stays, and it does nothing. Every system needs one control that makes people feel heard.',
        ],
      ],
    },
  },
  {
    cue: 'not_passwords.xlsx',
    lines: {
      Clara: [
        [
          'Gladly! The plan has three pillars: nobody looks into a file that says what it is not, everybody already knows how to use a spreadsheet, and we can colour the strong ones green. It is zero trust, because I trust that there is zero chance that anybody opens it. Blaise, what do you think?',
          'Here is the vision: one file, one source of truth, and a name that no thief would ever click on. Security by modesty! Adoption will be a hundred per cent, since it is pinned in the team channel. Blaise, what do you think?',
        ],
        [
          'All right, that stung, and it was fair. New plan: a password manager with shared vaults, hardware keys for administrators, and `not_passwords.xlsx` stays, with the lunch menu in it. If somebody downloads it at night, we know that we have a burglar, and that he is hungry.',
          'I surrender, happily: a real vault, passkeys where we can, and every secret in that file changed by tonight. But may I keep the sheet as a decoy? A honeypot with conditional formatting; it would be the prettiest trap in the industry.',
        ],
      ],
      Blaise: [
        [
          'Attack one takes four seconds: I search the drive for "not". Attack two takes none: the file was shared with "anyone with the link" when somebody needed the printer code. Attack three is its version history, where every password that you ever changed lives on, like a family photo album. Ada, which one would you fix first?',
          'I would not even attack it. I would wait until somebody sorts column B and not column A. From then on everybody has somebody else’s password, which is technically rotation. After that I try the one from cell B2 everywhere else, and I am your chief financial officer by lunch. Ada, how bad is it?',
        ],
        [
          'The decoy I like, and I never said that of a spreadsheet before. Remaining risk: whoever wrote the first plan writes the next one too. Put the review in the calendar, invite somebody suspicious, and never again let a file name carry a load that only a lock can carry.',
          'Then I rest my crowbar. For the report: found in four seconds, fixed in a day, forgotten never. And Clara, if the vault needs a master password, it is not "vault".',
        ],
      ],
      Ada: [
        [
          'In order of what it costs an attacker: shared link, sync to every laptop, backups that outlive us, macros. In order of what it costs us: today, change what is in it and close the link; this week, a password manager, which is cheaper than one afternoon of an incident; this month, passkeys, so that there is less to store. Clara, what is left of your plan?',
          'Scale of the damage: everything, once, forever. A hash cannot be read back, a cell can. The smallest repair: rotate what is in there, move it into a vault with an audit log, and give each service an account of its own, so that one leak is one leak. Clara, would you sign that?',
        ],
        ['Good. I have written it down as three tickets, and none of them is called "not a security problem".'],
      ],
    },
  },
  {
    cue: 'is a hot dog a sandwich',
    lines: {
      Ada: [
        [
          'By interface, yes: bread outside, filling inside, eaten by hand. By implementation, no: a sandwich has two independent slices, a hot dog has one slice with a hinge. I would call it a subclass that overrides `open()`. It costs nothing to keep them apart, and migrations of lunch are hard to roll back.',
          'I went by the evidence, which is that I had one. Bread, filling, portable: a sandwich by every test but one. Turn it by ninety degrees and a sandwich still works, while a hot dog decorates your shoe. Orientation matters, therefore it is a taco with ambitions.',
        ],
        [
          'To sum up the panel: I say that the hinge makes it something of its own; Blaise warns that whoever defines "sandwich" owns lunch; Clara would rather widen the family than guard the door. We agree that it is delicious, that it must not be cut in half, and that nobody here should be asked about soup and cereal. What follows: order it by name, and file the paperwork under T, for taco.',
          'Summed up, then: we differ on the hinge, on power, and on love, in that order. Blaise wants a definition before he eats, Clara wants to eat before she defines, and I have measured it and got mustard on the ruler. Common ground: it is lunch. Action: have one each, and meet again about lasagne, which is a cake.',
        ],
      ],
      Blaise: [
        [
          'I distrust the question. Call it a sandwich, and by Friday a burrito is one, ravioli is a sandwich that gave up, and a letter in an envelope is a sandwich of paper. Definitions are cheap until somebody taxes them; in at least one place, somebody has. My answer is no, and I would like that in writing.',
          'Ask first who gains. The sandwich lobby wants the numbers, the sausage lobby wants the independence, and the bun, as usual, was not consulted. A thing with a name of its own, a stand of its own and songs of its own is a nation. I do not annex nations at lunchtime.',
        ],
      ],
      Clara: [
        [
          'Yes, and welcome! A sandwich is anything in which bread gives something a hug. The hot dog, the burger, the ice cream between two biscuits: one big family, with reunions and awkward uncles. Imagine the museum. Imagine the gift shop!',
          'Of course it is, and the best thing about it is the half-open door: a sandwich that still has hope. I would go further and make "sandwich" a spectrum, from toast, which is a sandwich of solitude, to the club, which is a sandwich with a board of directors.',
        ],
      ],
    },
  },
]
