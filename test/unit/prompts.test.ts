import { expect } from 'chai'
import { PASS, systemPrompt } from '../../src/contract/speaker-prompt.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import { promptMessages } from '../../workers/agent-runtime/prompts.ts'

const style = { friendliness: 'medium', humor: 'low', formality: 'high', verbosity: 'low' } as const
const agent = (id: string, name: string, characteristics = '') => ({
  id,
  name,
  instructions: `You know all of ${name}'s trade. And more.`,
  characteristics,
  chatStyle: style,
})
const [ada, blaise] = [agent('a', 'Ada', 'precise'), agent('b', 'Blaise')]
const line = (role: 'user' | 'agent', content: string, speaker?: { id: string; name: string }): TranscriptLine => ({
  seq: 1,
  role,
  agentId: speaker?.id ?? null,
  agentName: speaker?.name ?? null,
  content,
  fileIds: [],
  runId: null,
})

describe('What a speaker is told', () => {
  it('is who it is, how it talks, and who else is there', () => {
    const prompt = systemPrompt(ada, [ada, blaise])
    expect(prompt).to.match(/^You are Ada\.\nYou know all of Ada's trade\. And more\.\nYour character: precise\./)
    expect(prompt).to.contain('serious').and.to.contain('formal').and.to.contain('one or two sentences')
    expect(prompt, 'of others the gist, and not their instructions').to.contain(
      "- Blaise: You know all of Blaise's trade.\n",
    )
    expect(prompt).not.to.contain('- Ada:')
    expect(prompt).to.contain(PASS)
  })

  it('says nothing of a room when it is alone', () => {
    const prompt = systemPrompt(ada, [ada])
    expect(prompt).to.match(/^You are Ada\./)
    expect(prompt).not.to.contain(PASS)
    expect(prompt).not.to.match(/transcript|agents/)
    expect(systemPrompt(blaise, [blaise])).not.to.contain('Your character')
  })

  it('is the transcript with its own words as its own, and all others by name', () => {
    const transcript = [line('user', 'Tea?'), line('agent', 'Yes.', ada), line('agent', 'No.', blaise)]
    expect(promptMessages(ada, [ada, blaise], transcript)).to.deep.equal([
      { role: 'user', content: 'User: Tea?' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'Blaise: No.' },
      { role: 'user', content: '(It is your turn, Ada.)' },
    ])
    expect(promptMessages(blaise, [ada, blaise], transcript).map(({ role }) => role)).to.deep.equal([
      'user',
      'user',
      'assistant',
      'user',
    ])
  })

  it('knows speakers by what they are, not by their names: another Ada is another', () => {
    const other = agent('x', 'Ada')
    const [said] = promptMessages(ada, [ada], [line('agent', 'I was here before.', other)])
    expect(said).to.deep.equal({ role: 'user', content: 'Ada: I was here before.' })
  })

  it('keeps the words of speakers that were deleted, under the name that they had', () => {
    const gone = line('agent', 'Remember me.', { id: 'gone', name: 'Mortal' })
    expect(promptMessages(ada, [ada, blaise], [gone])[0]?.content).to.equal('Mortal: Remember me.')
  })

  it('is plain when it talks with the user alone, and always ends with somebody else', () => {
    const transcript = [line('user', 'Tea?'), line('agent', 'Yes.', ada), line('user', 'Sure?')]
    expect(promptMessages(ada, [ada], transcript).map(({ content }) => content)).to.deep.equal([
      'Tea?',
      'Yes.',
      'Sure?',
    ])
    expect(promptMessages(ada, [ada], transcript.slice(0, 2)).at(-1)?.role).to.equal('user')
  })

  it('begins with the user even where the transcript was cut, as some providers insist', () => {
    const cut = [line('agent', 'Yes.', ada), line('user', 'Sure?')]
    expect(promptMessages(ada, [ada], cut)[0]?.role).to.equal('user')
  })
})
