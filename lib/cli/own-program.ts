/** This program, for a process of its own. */
import { fileURLToPath } from 'node:url'

export function ownProgram(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('../../bin/prsync.cjs', import.meta.url))]
}
