/** What goes at the destination, and when: options of deleting. rsync(1). */
import type { Flags } from './flags.js'
import type { DeleteTiming } from './said.js'

export type DeletionOptions = {
  /** Null: nothing is deleted. */
  readonly deleting: DeleteTiming | null
  readonly deleteExcluded: boolean
  readonly maxDelete: number | null
  readonly ignoreErrors: boolean
}

const DELETE_TIMINGS: ReadonlyMap<string, DeleteTiming> = new Map([
  ['delete-before', 'before'],
  ['delete-during', 'during'],
  ['delete-delay', 'delay'],
  ['delete-after', 'after'],
])

/** @param protocol null: the highest that both know @throws {UsageError} on numbers that are none */
export function deletionOptions(flags: Flags, protocol: number | null): DeletionOptions {
  return {
    deleting: deleteTiming(flags, protocol),
    deleteExcluded: flags.on('delete-excluded'),
    maxDelete: flags.integer('max-delete'),
    ignoreErrors: flags.on('ignore-errors'),
  }
}

export function deleteTiming(flags: Flags, protocol: number | null): DeleteTiming | null {
  const name = deletingSaid(flags)
  // Old protocols know of no deletion meanwhile.
  return name !== 'some time' ? name : (protocol ?? 30) < 30 ? 'before' : 'during'
}

export function deletingSaid(flags: Flags): DeleteTiming | 'some time' | null {
  const name = flags.lastOf([...DELETE_TIMINGS.keys()])?.name
  if (name !== undefined) return DELETE_TIMINGS.get(name) ?? null
  return flags.on('delete') || flags.on('delete-excluded') ? 'some time' : null
}
