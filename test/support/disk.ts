/** Small file systems of their own, for tests of disks that are full or fail. */
import { execFileSync } from 'node:child_process'
import { accessSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** Runs `act` with a small file system of its own; not at all where this machine lets nobody mount. */
export async function onOwnDisk(
  t: Test,
  options: string,
  act: (path: string) => Promise<void>,
): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'prsync-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(path, { recursive: true })
    t.comment(`no mounting here: ${String(error)}`)
    return
  }
  try {
    await act(path)
  } finally {
    execFileSync('umount', ['--lazy', path])
    rmSync(path, { recursive: true })
  }
}

/**
 * A directory that is read-only from one moment to the next for whoever opens it by name. What was opened before stays as it was, as
 * nobody can take writing away from open files.
 */
export function readOnly(path: string): { over(): void } {
  execFileSync('mount', ['--bind', path, path])
  execFileSync('mount', ['-o', 'remount,bind,ro', path])
  return { over: () => void execFileSync('umount', ['--lazy', path]) }
}

export type FailingDisk = {
  readonly path: string
  /** An error is found: from now on the system takes no writes to it, open files or not. */
  fail(): void
  /** As after fsck. Nobody may use it. */
  renew(): void
}

/** Runs `act` with an ext4 of its own, that can fail; not at all where this machine has none. */
export async function onFailingDisk(
  t: Test,
  act: (disk: FailingDisk) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'prsync-ext4-'))
  const [image, path] = [join(folder, 'image'), join(folder, 'disk')]
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { stdio: 'pipe', encoding: 'utf8' }).trim()
  const mount = (): void => void run('mount', '-o', 'loop,errors=remount-ro', image, path)
  writeFileSync(image, '')
  truncateSync(image, 40_000_000)
  mkdirSync(path)
  let isMounted = false
  try {
    try {
      // with a journal a failed disk would have to be mended before it is mounted
      run('mkfs.ext4', '-q', '-F', '-O', '^has_journal', image)
      mount()
      isMounted = true
      const device = run('losetup', '-j', image).replace(/^\/dev\/(\w+):.*$/s, '$1')
      const trigger = `/sys/fs/ext4/${device}/trigger_fs_error`
      accessSync(trigger)
      const fail = (): void => writeFileSync(trigger, '1')
      const renew = (): void => {
        run('umount', path)
        mount()
      }
      await act({ path, fail, renew })
    } catch (error) {
      if (isMounted) throw error
      t.comment(`no disk that can fail here: ${String(error)}`)
    }
  } finally {
    if (isMounted) run('umount', '--lazy', path)
    rmSync(folder, { recursive: true })
  }
}
