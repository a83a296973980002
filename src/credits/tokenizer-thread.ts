import { parentPort } from 'node:worker_threads'
import { z } from 'zod'
import { tokenize } from './tokenizer.ts'

// The thread of `token-counting.ts`: a text comes, its number of tokens goes.
parentPort?.on('message', async (text: unknown) => {
  parentPort?.postMessage(await tokenize(z.string().parse(text)))
})
