/** The inputs in fixtures/corpus/, named after the defect each one found: `# expectation: why`, then hex. */
import { readdirSync, readFileSync } from 'node:fs'
import { projectFile } from './project.js'

export type CorpusEntry = {
  readonly name: string
  /** 'value', 'Underflow', or the name of an error's class. */
  readonly expected: string
  readonly bytes: Uint8Array
}

const FOLDER = projectFile('fixtures/corpus/')

export function corpusOf(decoder: string): CorpusEntry[] {
  const folder = new URL(`${decoder}/`, FOLDER)
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'latin1')
      const [head = '', ...rest] = text.split('\n')
      const hex = rest.join('').replaceAll(/\s/g, '')
      return {
        name: file.replace('.hex', ''),
        expected: /^# (\w+):/.exec(head)?.[1] ?? 'no expectation',
        bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
      }
    })
}
export function corpusFolders(): string[] {
  return readdirSync(FOLDER).sort()
}
