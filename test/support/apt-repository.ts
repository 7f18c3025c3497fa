/** A signed repository of small packages, made by Debian's own tools, and apt with nothing of this machine in it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ruled } from './contents.js'
import type { Said } from './real-rsync.js'
import { runAsync } from './run-async.js'

/** In a container each program has to be there, not only apt. */
export const APT_PROGRAMS: readonly (readonly [program: string, debian: string])[] = [
  ['apt-get', 'apt'],
  ['apt-ftparchive', 'apt-utils'],
  ['dpkg-deb', 'dpkg'],
  ['gpg', 'gnupg'],
  ['gpgv', 'gpgv'],
]

/** Writes `dists/stable`, `pool` and packages called `tool-a` to `tool-…` below `source`; the key goes beside it. */
export function makeRepository(folder: string, count: number): { key: string; packages: string[] } {
  const source = join(folder, 'source')
  const binary = join(source, 'dists/stable/main/binary-all')
  const pool = join(source, 'pool/main')
  for (const path of [binary, pool, join(folder, 'tree')]) mkdirSync(path, { recursive: true })
  const packages = Array.from({ length: count }, (_, i) => `tool-${String.fromCharCode(97 + i)}`)
  for (const [i, name] of packages.entries()) {
    const tree = join(folder, 'tree', name)
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true, mode: 0o755 })
    // Stored, not packed: large enough to be redirected, and made in no time.
    writeFileSync(join(tree, 'data'), ruled(100_000 + 70_000 * i))
    writeFileSync(
      join(tree, 'DEBIAN/control'),
      `Package: ${name}\nVersion: 1:1.${i}+b~1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n`,
    )
    const deb = join(pool, `${name}_1.${i}+b~1_all.deb`)
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '-b', tree, deb])
  }
  const index = execFileSync('apt-ftparchive', ['packages', 'pool'], { cwd: source })
  writeFileSync(join(binary, 'Packages'), index)
  const suite = ['Suite=stable', 'Codename=stable', 'Components=main', 'Architectures=all']
  const release = execFileSync(
    'apt-ftparchive',
    [
      ...suite.flatMap((each) => ['-o', `APT::FTPArchive::Release::${each}`]),
      'release',
      'dists/stable',
    ],
    { cwd: source },
  )
  const key = join(folder, 'key.gpg')
  // Its agent's socket has room for 107 bytes of path.
  const home = mkdtempSync(join(tmpdir(), 'gpg-'))
  const gpg = (args: readonly string[], input?: Buffer): Buffer =>
    execFileSync('gpg', ['--homedir', home, '--batch', '-q', ...args], {
      ...(input === undefined ? {} : { input }),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  gpg(['--passphrase', '', '--quick-gen-key', 'x@example.org', 'ed25519', 'sign', '1d'])
  writeFileSync(key, gpg(['--export']))
  writeFileSync(join(source, 'dists/stable/InRelease'), gpg(['--clearsign'], release))
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  rmSync(home, { recursive: true })
  return { key, packages }
}

/** An apt of its own in `home`, that knows the repository at `url` and has nothing installed. */
export class Apt {
  readonly #home: string
  readonly #options: readonly string[]

  /** @param as what it calls itself after its own name: another client each time */
  constructor(home: string, url: string, key: string, as: string) {
    this.#home = home
    for (const path of [
      'etc/apt.conf.d',
      'etc/preferences.d',
      'etc/sources.list.d',
      'state/lists/partial',
      'cache/archives/partial',
    ])
      mkdirSync(join(home, path), { recursive: true })
    writeFileSync(join(home, 'status'), '')
    writeFileSync(join(home, 'etc/sources.list'), `deb [signed-by=${key}] ${url} stable main\n`)
    const settings = {
      'Dir::Etc': join(home, 'etc'),
      'Dir::State': join(home, 'state'),
      'Dir::State::status': join(home, 'status'),
      'Dir::Cache': join(home, 'cache'),
      'Debug::NoLocking': 'true',
      'APT::Sandbox::User': '',
      'Acquire::http::Proxy': 'DIRECT',
      'Acquire::http::User-Agent': `Debian APT-HTTP/1.3 (${as})`,
      'Acquire::Languages': 'none',
    }
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  }

  update(): Promise<Said> {
    return this.#run(['update'])
  }
  download(packages: readonly string[]): Promise<Said> {
    return this.#run(['-y', 'install', '--download-only', ...packages])
  }
  #run(args: readonly string[]): Promise<Said> {
    return runAsync('apt-get', [...this.#options, ...args], this.#home)
  }
}
