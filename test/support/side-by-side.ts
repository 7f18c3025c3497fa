/** One command line for the real rsync and for prsync, each in a folder of its own that a script of the shell made. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { PROGRAM } from './program.js'

export type Ran = {
  readonly status: number | null
  /** Standard output in lines, the folder written as `{}`. */
  readonly out: readonly string[]
  readonly stderr: string
  /** What stands there afterwards, under names that `watched` says: owner, mode, path, what a link leads to. */
  readonly stands: readonly string[]
}

/** @param home an empty folder @param script makes what is there before, in the shell @param watched what is looked at afterwards @param before words in front of the program's */
export function sideBySide(
  home: string,
  script: string,
  args: readonly string[],
  watched: string,
  before: readonly string[] = [],
): { readonly rsync: Ran; readonly prsync: Ran } {
  const run = (name: string, program: readonly string[]): Ran => {
    const cwd = `${home}/${name}`
    mkdirSync(cwd)
    // Whether times differ must not hang on the second in which a directory was made.
    shell(`${script}\nfind . -type d -exec touch -d @1500000000 {} +`, cwd)
    const server = `${process.env['PATH'] ?? ''}`
    const words = [...before, ...program, ...args.map((arg) => arg.replaceAll('{}', cwd))].map(
      (word) => word.replaceAll('{program}', program.join(' ')),
    )
    // What a test runner has its children load writes where others may not.
    const ran = spawnSync('env', ['-i', `PATH=${server}`, 'LC_ALL=C.UTF-8', ...words], {
      cwd,
      encoding: 'latin1',
      timeout: 60_000,
    })
    const plain = (text: string): string => text.replaceAll(cwd, '{}')
    return {
      status: ran.status,
      out: plain(ran.stdout).split('\n').filter(Boolean),
      stderr: plain(ran.stderr),
      stands: plain(shell(`find ${watched} -printf '%u %m %p %l\\n' | sort`, cwd)).split('\n'),
    }
  }
  return { rsync: run('r', ['rsync']), prsync: run('p', [process.execPath, PROGRAM]) }
}

function shell(script: string, cwd: string): string {
  const ran = spawnSync('sh', ['-ec', script], { cwd, encoding: 'latin1' })
  if (ran.status !== 0) throw new Error(`${script}: ${ran.stderr}`)
  return ran.stdout
}
