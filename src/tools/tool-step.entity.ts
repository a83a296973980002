import { EntitySchema } from 'typeorm'
import { boolean, createdAt, integer, jsonb, text, uuid } from '../database/columns.ts'

/** Between what the steps of a turn say, in its message. */
export const STEP_GAP = '\n\n'

/** What steps have said, as the message of their turn has it. */
export const saidIn = (steps: ReadonlyArray<Pick<ToolStep, 'text'>>): string =>
  steps
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join(STEP_GAP)

/** What a model thought, as its provider wants it back: text, and what signs it. */
export interface StepThought {
  text: string
  providerData: Record<string, unknown> | null
}

/** A model call of a turn that ended with calls of tools, committed with its posting: what it said, and thought. Step n is the turn's call n. */
export class ToolStep {
  declare runId: string
  declare turn: number
  declare step: number
  declare userId: string
  /** Its words, cleaned. */
  declare text: string
  declare thoughts: StepThought[] | null
  /** An earlier run has made it, and paid for it: this one goes on from there. */
  declare inherited: boolean
  declare createdAt: Date
}

export const toolStepEntity = new EntitySchema<ToolStep>({
  name: 'ToolStep',
  target: ToolStep,
  tableName: 'tool_steps',
  columns: {
    runId: uuid({ primary: true, primaryKeyConstraintName: 'tool_steps_pk' }),
    turn: integer({ primary: true, primaryKeyConstraintName: 'tool_steps_pk' }),
    step: integer({ primary: true, primaryKeyConstraintName: 'tool_steps_pk' }),
    userId: uuid(),
    text: text(),
    thoughts: jsonb({ nullable: true }),
    inherited: boolean({ default: false }),
    createdAt: createdAt(),
  },
  foreignKeys: [
    {
      name: 'tool_steps_run_fk',
      target: 'Run',
      columnNames: ['runId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
