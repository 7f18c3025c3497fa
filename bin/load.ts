/**
 * The program out of its bundle, with the code that V8 made of it when it was built: compiling it anew is half of the time
 * of a small copy, and Node 20 keeps no such code itself. docs/decisions/0041.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import type { main } from '../lib/cli/main.js'

type Program = { readonly main: typeof main }
type Bundle = (module: { exports: unknown }, require: NodeJS.Require, url: string) => void

const BUNDLE = new URL('../lib/bundle/program.cjs', import.meta.url)
/** Of the very bundle and of the Node that built it: V8 looks at both, and does without where they are others. */
export const CODE = fileURLToPath(new URL('./program.code', BUNDLE))

export function load(): { readonly program: Program; readonly script: Script } {
  const filename = fileURLToPath(BUNDLE)
  // esbuild writes ASCII alone: a char is a byte, which is the quickest to read and half the memory.
  const script = new Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData: code(),
  })
  const module = { exports: {} }
  ;(script.runInThisContext() as Bundle)(module, createRequire(BUNDLE), BUNDLE.href)
  return { program: module.exports as Program, script }
}

function code(): Buffer | undefined {
  try {
    return readFileSync(CODE)
  } catch {
    return undefined
  }
}
