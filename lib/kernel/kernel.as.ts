/**
 * The delta kernel in AssemblyScript: whole-buffer calls over memory that kernel.ts lays out and hands in.
 * Compiled by generate.mjs to kernel-bytes.ts, which is committed; the oracle is reference.ts. docs/decisions/0003.
 */
export { marks } from './marks.as'
export { mdSums } from './md.as'
export { nodeSums } from './sha256.as'
export { bindTable, placeScan, scan, scanSum, weakSums } from './weak.as'
export { xxh3Sums, xxh64Sums } from './xxhash.as'
