import { nextInOrder, type Strategy } from './strategy.ts'

/** Everybody in turn, in the request's order. */
export const roundRobin: Strategy = (state) => ({ speak: [nextInOrder(state)] })
