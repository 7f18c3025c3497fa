/** A centre and an rsync daemon over the same directories, as processes, for benches that compare what a pull costs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../test/support/ports.js'

const PRSYNC = fileURLToPath(new URL('../bin/prsync.cjs', import.meta.url))

export type Pulled = {
  readonly seconds: number
  readonly wanted: number
  readonly cloned: number
  readonly assembled: number
  readonly delta: number
  /** Bytes of contents that came over the network. */
  readonly fetched: number
  /** Pages, heads, sums, hashes. */
  readonly metadata: number
}
export type Synced = {
  readonly seconds: number
  readonly literal: number
  readonly received: number
}

export class BesideRsync {
  readonly #home: string
  readonly #modules: ReadonlyMap<string, string>
  readonly #children: ChildProcess[] = []
  #url = ''
  #port = 0

  /** @param modules directories by their names, at both */
  constructor(home: string, modules: ReadonlyMap<string, string>) {
    this.#home = home
    this.#modules = modules
  }

  async start(): Promise<void> {
    const trackers = [...this.#modules].flatMap(([name, path]) => ['--tracker', `${name}=${path}`])
    const listen = ['--listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0']
    const state = ['--state', this.#state]
    const child = spawn(process.execPath, [PRSYNC, 'serve', ...trackers, ...state, ...listen], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#children.push(child)
    this.#url = await new Promise<string>((resolve, reject) => {
      let heard = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        heard += text
        const ready = [...heard.matchAll(/serving \S+ .* at (http:\S+)\/[^/\s]+\n/g)]
        if (ready.length === this.#modules.size) resolve(ready[0]?.[1] ?? '')
      })
      child.on('exit', () => reject(new Error(`the centre left: ${heard}`)))
    })
    this.#port = await freePort()
    const conf = join(this.#home, 'rsyncd.conf')
    const parts = [...this.#modules].map(([name, path]) => `[${name}]\npath = ${path}\n`)
    writeFileSync(
      conf,
      `use chroot = no\nport = ${this.#port}\naddress = 127.0.0.1\nuid = 0\ngid = 0\n${parts.join('')}`,
    )
    this.#children.push(
      spawn('rsync', ['--daemon', '--no-detach', `--config=${conf}`], { stdio: 'ignore' }),
    )
  }

  /** The centre looks at its trees now. */
  publish(): void {
    const { status, stderr } = prsync(['publish', '--state', this.#state])
    if (status !== 0) throw new Error(`publish failed: ${stderr}`)
  }

  /** Of the centre. */
  get url(): string {
    return this.#url
  }

  /** @param rules options that choose what belongs to the mirror */
  pull(module: string, dest: string, rules: readonly string[] = []): Pulled {
    const args = ['pull', '--delete', '--json', '--linger', '0', '--peer-listen', '127.0.0.1:0']
    const { status, stdout, stderr } = prsync([...args, ...rules, `${this.#url}/${module}`, dest])
    if (status !== 0) throw new Error(`pull failed: ${stderr}`)
    const { seconds, bytes } = JSON.parse(stdout) as {
      seconds: number
      bytes: Record<
        'wanted' | 'cloned' | 'assembled' | 'delta' | 'peers' | 'centre' | 'metadata',
        number
      >
    }
    const { wanted, cloned, assembled, delta, metadata, peers, centre } = bytes
    return { seconds, wanted, cloned, assembled, delta, metadata, fetched: peers + centre }
  }

  /** One file, with another as its basis. @returns bytes that rsync received */
  rsyncFile(path: string, basis: string | null, made: string): number {
    rmSync(made, { force: true })
    if (basis !== null) cpSync(basis, made)
    const from = `rsync://127.0.0.1:${this.#port}/${path}`
    const args = ['-t', '--no-whole-file', '--stats', from, made]
    const { status, stdout, stderr } = spawnSync('rsync', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`rsync failed: ${stderr}`)
    return Number(/Total bytes received: ([\d,]+)/.exec(stdout)?.[1]?.replaceAll(',', ''))
  }

  /** rsync as a mirror admin would have it: `-aH --fuzzy --delete-delay`. */
  rsync(module: string, dest: string): Synced {
    const began = performance.now()
    for (let tries = 0; ; tries++) {
      const from = `rsync://127.0.0.1:${this.#port}/${module}/`
      const args = ['-aH', '--fuzzy', '--delete-delay', '--stats', from, `${dest}/`]
      const { status, stdout, stderr } = spawnSync('rsync', args, { encoding: 'utf8' })
      const figure = (what: string): number =>
        Number(new RegExp(`${what}: ([\\d,]+)`).exec(stdout)?.[1]?.replaceAll(',', ''))
      if (status === 0)
        return {
          seconds: (performance.now() - began) / 1000,
          literal: figure('Literal data'),
          received: figure('Total bytes received'),
        }
      if (tries > 50) throw new Error(`rsync failed with ${status}: ${stderr}`)
    }
  }

  /** @throws where a pulled tree is not that of the module, by bytes and attributes */
  compare(module: string, dest: string): void {
    const path = this.#modules.get(module) ?? ''
    const args = ['-aHnic', '--delete', '--exclude=/.~prsync~', `${path}/`, `${dest}/`]
    const { status, stdout } = spawnSync('rsync', args, { encoding: 'utf8' })
    if (status !== 0 || stdout !== '') throw new Error(`${dest} is not ${path}:\n${stdout}`)
  }

  close(): void {
    for (const child of this.#children) child.kill()
  }

  get #state(): string {
    return join(this.#home, 'state')
  }
}

function prsync(args: readonly string[]): {
  status: number | null
  stdout: string
  stderr: string
} {
  return spawnSync(process.execPath, [PRSYNC, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 })
}
