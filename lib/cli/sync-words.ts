/** Words of rsync that programs look for: statuses, kinds of files, names with bytes that are not shown. */
import { EXIT, type ExitCode, type PrsyncError } from '../base/errors.js'
import type { FileKind } from '../host.js'

/** As rsync shows names in a UTF-8 locale: what is no character, and what a terminal should not see (DEL too, which rsync lets through), as \\#ooo. */
export function escapeName(name: string, eightBit: boolean): string {
  if (/^[\t -[\]-~]*$/.test(name)) return name
  return name.replace(NOT_SHOWN, (bytes, character?: string) => {
    if (character !== undefined) return character
    const code = bytes.charCodeAt(0)
    return eightBit && code > 127 ? bytes : `\\#${code.toString(8).padStart(3, '0')}`
  })
}
/** A whole character of UTF-8 (RFC 3629: no longer than it must be, no surrogate), kept; or a byte that is escaped. */
const NOT_SHOWN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})|[\x00-\x08\x0a-\x1f\x7f-\xff]|\\(?=#[0-9]{3})/g

export const KIND_WORDS: Readonly<Record<FileKind, string>> = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symlink',
  character: 'device file',
  block: 'device file',
  fifo: 'special file',
  socket: 'special file',
}

/** What ended a run: a request that cannot be met, or a failure. */
export function errorWords(error: PrsyncError): string {
  const isAsked = error.exitCode === EXIT.usage || error.exitCode === EXIT.fileSelect
  return `${isAsked ? 'ERROR' : 'prsync'}: ${error.message}`
}
export function statusWords(exit: ExitCode): string {
  const words: Readonly<Record<number, string>> = {
    [EXIT.usage]: 'syntax or usage error',
    [EXIT.protocol]: 'protocol incompatibility',
    [EXIT.startup]: 'error starting client-server protocol',
    [EXIT.socket]: 'error in socket IO',
    [EXIT.stream]: 'error in rsync protocol data stream',
    [EXIT.ipc]: 'error in IPC code',
    [EXIT.contimeout]: 'timeout waiting for daemon connection',
    15: 'sibling process crashed',
    16: 'sibling process terminated abnormally',
    124: 'remote shell failed',
    125: 'remote shell killed',
    126: 'remote command could not be run',
    127: 'remote command not found',
    [EXIT.fileSelect]: 'errors selecting input/output files, dirs',
    [EXIT.unsupported]: 'requested action not supported',
    [EXIT.file]: 'error in file IO',
    [EXIT.signal]: 'received SIGINT, SIGTERM, or SIGHUP',
    [EXIT.partial]: 'some files/attrs were not transferred (see previous errors)',
    [EXIT.vanished]: 'some files vanished before they could be transferred',
    [EXIT.maxDelete]: 'the --max-delete limit stopped deletions',
    [EXIT.timeout]: 'timeout in data send/receive',
  }
  const what = exit === EXIT.vanished ? 'warning' : 'error'
  return `${what}: ${words[exit] ?? 'unexplained error'} (code ${exit})`
}

/** What --max-delete left standing. */
export function refusedWords(count: number): string {
  return `Deletions stopped due to --max-delete limit (${count} skipped)`
}
