/**
 * Trees in which owners, devices, links and modes are kept in extended attributes and files stand for them, so that nobody has
 * to be root: they look, and are written, as if they were what they stand for. rsync(1) --fake-super; flist/fake-super.ts.
 */
import { readSync } from 'node:fs'
import { type ByteName, joinName } from '../base/byte-name.js'
import { bytesOf, latin1Of } from '../base/bytes.js'
import type { Xattr } from '../flist/entry.js'
import {
  FAKE_STAT,
  type FakeStat,
  faked,
  fakedName,
  formatFakeStat,
  modeBeneath,
  parseFakeStat,
  unfaked,
} from '../flist/fake-super.js'
import type { Attributes, Standing } from '../host.js'
import { Destination, type NewFile } from './destination.js'
import { DiskTree, type TreeView } from './tree.js'

const LINK_BYTES = 4096
const SETUP_MODE = 0o600

export class FakeTree extends DiskTree {
  override list(directory: ByteName, known?: ReadonlySet<string>): Standing[] | null {
    const standing = super.list(directory, known)
    if (standing === null) return null
    return standing.map((one) => this.#seen(joinName(directory, one.base), one))
  }
  override kinds(directory: ByteName, known?: ReadonlySet<string>): Standing[] | null {
    return this.list(directory, known)
  }
  override stat(name: ByteName): Standing | null {
    const beneath = super.stat(name)
    return beneath === null ? null : this.#seen(name, beneath)
  }
  override statFollowing(name: ByteName): Standing | null {
    const beneath = super.statFollowing(name)
    return beneath === null ? null : this.#seen(name, beneath)
  }
  /** Of a link that a file stands for: what is in it. */
  override readlink(name: ByteName): string {
    if (super.stat(name)?.kind === 'symlink') return super.readlink(name)
    const fd = this.openFile(name)
    try {
      const buffer = Buffer.alloc(LINK_BYTES)
      return latin1Of(buffer.subarray(0, readSync(fd, buffer, 0, LINK_BYTES, 0)))
    } finally {
      this.closeFile(fd)
    }
  }

  override xattrs(name: ByteName): Xattr[] {
    const mode = this.stat(name)?.mode ?? 0
    return super
      .xattrs(name)
      .flatMap((x) => unfaked(x, mode) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** What is written down about it. */
  kept(name: ByteName): string | null {
    return super.xattrs(name).find((x) => x.name === FAKE_STAT)?.value ?? null
  }

  #seen(name: ByteName, beneath: Standing): Standing {
    if (beneath.kind !== 'file' && beneath.kind !== 'directory') return beneath
    const kept = this.kept(name)
    if (kept === null) return beneath
    const fake = parseFakeStat(kept)
    // Only a file can stand for something else.
    return beneath.kind === 'file' || fake.kind === beneath.kind ? { ...beneath, ...fake } : beneath
  }
}

/** A receiver makes files of the links that stand there: it takes none of them for what it wants. */
class ReceivedTree extends FakeTree {
  override readlink(name: ByteName): string {
    return this.beneath(name)?.kind === 'symlink' ? '' : super.readlink(name)
  }
}

export class FakeDestination extends Destination {
  protected override open(path: string, view: TreeView): FakeTree {
    return new ReceivedTree(path, view)
  }

  /** What is to be written down about a file takes that one may write it. */
  override create(name: ByteName, mode: number, directory: DiskTree | null): NewFile {
    return super.create(name, (mode & 0o700) | SETUP_MODE, directory)
  }
  override openInPlace(name: ByteName, mode: number): NewFile {
    return super.openInPlace(name, mode | SETUP_MODE)
  }

  override symlink(target: string, name: ByteName): void {
    this.#standIn(name, bytesOf(target), { kind: 'symlink', mode: 0o777, major: 0, minor: 0 })
  }
  override makeNode(like: Standing, name: ByteName): void {
    const { kind, mode, major, minor } = like
    const isDevice = kind === 'block' || kind === 'character'
    const device = isDevice ? { major, minor } : { major: 0, minor: 0 }
    this.#standIn(name, new Uint8Array(0), { kind, mode, ...device })
  }

  /** A file for something else, put in place whole. */
  #standIn(name: ByteName, bytes: Uint8Array, as: Omit<FakeStat, 'uid' | 'gid'>): void {
    const made: NewFile = this.create(name, SETUP_MODE, null)
    try {
      this.write(made.fd, bytes, 0, false)
      const { uid = 0, gid = 0 } = made.tree.stat(made.name) ?? {}
      const value = formatFakeStat({ ...as, uid, gid })
      super.setXattr(made.tree, made.name, { name: FAKE_STAT, value })
      this.commit(made, name)
    } catch (error) {
      this.discard(made)
      throw error
    } finally {
      this.closeFile(made)
    }
  }

  override give(tree: FakeTree, name: ByteName, isLink: boolean, attributes: Attributes): void {
    const beneath = tree.beneath(name)
    const seen = tree.stat(name)
    const { mtimeNs, atimeNs } = attributes
    const times = { uid: null, gid: null, mode: null, mtimeNs, atimeNs }
    if (beneath === null || seen === null || beneath.kind === 'symlink')
      return super.give(tree, name, isLink, times)
    const fake: FakeStat = {
      ...seen,
      mode: attributes.mode ?? seen.mode,
      uid: attributes.uid ?? seen.uid,
      gid: attributes.gid ?? seen.gid,
    }
    const mode = modeBeneath(fake.kind, fake.mode)
    super.give(tree, name, false, { ...times, mode: mode === beneath.mode ? null : mode })
    const isItself =
      fake.kind === beneath.kind &&
      fake.mode === mode &&
      fake.uid === beneath.uid &&
      fake.gid === beneath.gid
    const wanted = isItself ? null : formatFakeStat(fake)
    if (tree.kept(name) === wanted) return
    if (wanted === null) super.removeXattr(tree, name, FAKE_STAT)
    else super.setXattr(tree, name, { name: FAKE_STAT, value: wanted })
  }

  override setXattr(tree: DiskTree, name: ByteName, xattr: Xattr): void {
    super.setXattr(tree, name, faked(xattr))
  }
  override removeXattr(tree: DiskTree, name: ByteName, xattr: string): void {
    super.removeXattr(tree, name, fakedName(xattr))
  }
}
