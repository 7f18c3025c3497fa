import type { ReceivedEntry } from './received-entry.js'
import type { ReceivedLists } from './received-lists.js'
import type { ReceivedDirectory } from './received-tree.js'

/** Each entry, in order, as they come. */
export async function forEachReceived(
  lists: ReceivedLists,
  each: (entry: ReceivedEntry) => void,
): Promise<void> {
  const show = async (directory: ReceivedDirectory): Promise<void> => {
    const opened = lists.open(directory)
    if (opened !== null) await opened
    if (directory.entry !== null) each(directory.entry)
    lists.enter(directory)
    const nodes = lists.list(directory)
    for (const node of nodes) if (!('contents' in node)) each(node)
    lists.passed(directory)
    for (const node of nodes) if ('contents' in node) await show(node)
    lists.leave()
  }
  await show(lists.root)
}
