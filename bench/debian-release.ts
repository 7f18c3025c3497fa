/** Two releases of a small Debian repository: real packages, the oldest and the newest version on offer, and an image of them. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A sector of ISO 9660: files in an image begin at one. */
const SECTOR = 2048

export type Package = { readonly name: string; readonly versions: readonly string[] }

/** What apt offers of these packages here; needs its lists (`apt-get update`). */
export function onOffer(names: readonly string[]): Package[] {
  return names.flatMap((name) => {
    const table = execFileSync('apt-cache', ['madison', name], { encoding: 'utf8' })
    const versions = table
      .split('\n')
      .map((line) => line.split('|')[1]?.trim() ?? '')
      .filter((version, i, all) => version !== '' && all.indexOf(version) === i)
    return versions.length === 0 ? [] : [{ name, versions }]
  })
}

/** Downloads a version of each into `folder`: the first of the list is the newest. */
export function download(folder: string, packages: readonly Package[], which: 'old' | 'new'): void {
  mkdirSync(folder, { recursive: true })
  const wanted = packages.map(
    ({ name, versions }) => `${name}=${which === 'new' ? versions[0] : versions.at(-1)}`,
  )
  execFileSync('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...wanted], {
    cwd: folder,
    stdio: 'inherit',
  })
}

/** The packages of `from`, as a mirror has them: pool, indices. Replaces what stands there. */
export function layOut(from: string, repository: string): void {
  rmSync(repository, { recursive: true, force: true })
  const index: string[] = []
  for (const base of readdirSync(from).sort()) {
    const directory = join('pool/main', base.slice(0, 1), base.split('_')[0] ?? base)
    mkdirSync(join(repository, directory), { recursive: true })
    const path = join(directory, base)
    copyFileSync(join(from, base), join(repository, path))
    const bytes = readFileSync(join(from, base))
    const sum = createHash('sha256').update(bytes).digest('hex')
    index.push(
      `${control(join(from, base))}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sum}\n`,
    )
  }
  const dists = join(repository, 'dists/stable/main/binary-amd64')
  mkdirSync(dists, { recursive: true })
  const packages = Buffer.from(index.join('\n'))
  writeFileSync(join(dists, 'Packages'), packages)
  writeFileSync(join(dists, 'Packages.gz'), gzipSync(packages))
  const sums = ['Packages', 'Packages.gz'].map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(join(dists, name)))
      .digest('hex')
    return ` ${sum} ${statSync(join(dists, name)).size} main/binary-amd64/${name}\n`
  })
  writeFileSync(
    join(repository, 'dists/stable/Release'),
    `Suite: stable\nSHA256:\n${sums.join('')}`,
  )
}

/** What dpkg knows of a package; nothing of one that this bench made up. */
function control(path: string): string {
  if (readFileSync(path).subarray(0, 7).toString('latin1') !== '!<arch>') return ''
  return execFileSync('dpkg-deb', ['--field', path], { encoding: 'utf8' })
}

/** All packages of a folder in one file, each at the beginning of a sector, as an ISO image has them. */
export function imageOf(from: string, path: string): void {
  const image = openSync(path, 'w')
  let at = 32 * 1024
  for (const base of readdirSync(from).sort()) {
    const bytes = readFileSync(join(from, base))
    writeSync(image, bytes, 0, bytes.length, at)
    at = Math.ceil((at + bytes.length) / SECTOR) * SECTOR
  }
  writeSync(image, Buffer.from(`${readdirSync(from).join('\n')}\n`), 0, null, 0)
  closeSync(image)
}
