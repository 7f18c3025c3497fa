/** What a pull's directories are settled for: everything that, changed, would make it decide otherwise. */
import { utf8Bytes, utf8Of } from '../base/bytes.js'
import { WireError } from '../base/errors.js'
import { countAt, objectAt, objectOf, parseObject, stringAt } from '../base/json.js'
import type { OwnerLookup, Owners } from '../io/owners.js'
import type { Store } from '../io/store.js'
import type { PullConfig } from './pull-report.js'
import { settledUnder } from './settle.js'

export type PullSettling = {
  readonly under: string
  /** Writes, within a transaction, the owners that were looked up: before any record that rests on them. */
  remember(): void
}

/**
 * Owners are names, and which number a name has here may change between runs: so those of earlier runs are looked up
 * again, and if one has another number, nothing is settled any more.
 * @param timeStepNs the finest step of the times that can be set: a tree settled on a machine with a coarser one is not in order
 * @param rules the filter rules, read
 */
export function pullSettling(
  store: Store,
  owners: Owners,
  config: Pick<PullConfig, 'numericIds' | 'xattrs'>,
  timeStepNs: bigint,
  rules: unknown,
): PullSettling {
  const before = rememberedOwners(store)
  owners.lookUp(before.lookups)
  const isSame = JSON.stringify(owners.lookups) === JSON.stringify(before.lookups)
  const epoch = isSame ? before.epoch : before.epoch + 1
  const { numericIds, xattrs } = config
  let written = isSame ? owners.lookups.length : -1
  return {
    under: settledUnder([
      'pull',
      epoch,
      owners.identity,
      numericIds,
      xattrs,
      `${timeStepNs}`,
      rules,
    ]),
    remember: () => {
      if (owners.lookups.length === written) return
      written = owners.lookups.length
      const value = JSON.stringify({ epoch, lookups: owners.lookups })
      store.putValue('owners', utf8Bytes(value))
    },
  }
}

function rememberedOwners(store: Store): { epoch: number; lookups: readonly OwnerLookup[] } {
  const bytes = store.value('owners')
  if (bytes === null) return { epoch: 0, lookups: [] }
  const value = parseObject(utf8Of(bytes), 'owners')
  const lookups = value['lookups']
  if (!Array.isArray(lookups)) throw new WireError('owners: no list')
  return { epoch: countAt(value, 'epoch'), lookups: lookups.map(lookupOf) }
}

function lookupOf(value: unknown): OwnerLookup {
  const lookup = objectOf(value, 'owners')
  const owner = objectAt(lookup, 'owner')
  const kind = stringAt(lookup, 'kind') === 'user' ? 'user' : 'group'
  const id = countAt(owner, 'id')
  return { kind, owner: { id, name: stringAt(owner, 'name') }, local: countAt(lookup, 'local') }
}
