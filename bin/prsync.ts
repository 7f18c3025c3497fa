#!/usr/bin/env node
/** argv in, exit status out. */
import { load } from './load.js'

/** Whoever reads may leave, as `| head` does: what is left to say is not wanted any more. */
const deaf = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error
}
process.stdout.on('error', deaf)
process.stderr.on('error', deaf)

// Until it is known: a program that stops without its end has not done what it was told.
process.exitCode = 14
const { main } = load().program
void main(process.argv.slice(2), process.argv[1] ?? 'prsync').then((status) => {
  process.exitCode = status
})
