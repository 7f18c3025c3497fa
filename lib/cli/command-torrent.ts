/** `prsync torrent FILE|URL`. */

import { writeFile } from '../app/system.js'
import { infoHash, torrentOfFile, torrentOfUrl } from '../app/torrent.js'
import { decodePath } from '../app/url-path.js'
import { hexOf } from '../base/bytes.js'
import { EXIT, type ExitCode, UsageError } from '../base/errors.js'
import { type Command, command, parse } from './program.js'
import { version } from './version.js'

type Flags = { output?: string; announce?: string; url?: string[]; force?: boolean }

export function torrentProgram(): Command {
  return command('torrent', 'Write the .torrent of a file, for any BitTorrent v2 client.')
    .argument('<file|url>', 'a file here, or the URL of one that a centre publishes')
    .option('-o, --output <file>', 'where to; - for stdout (default: NAME.torrent here)')
    .option('--announce <url>', 'the tracker, of a file here')
    .option('--url <url...>', 'where the bytes of a file here are also found')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
Equal bytes make equal torrents, whatever their name. A centre gives the bytes
and is the tracker of the files that it publishes.

Example:
  prsync torrent http://centre:8730/debian/pool/main/h/hello/hello_2.10.deb`,
    )
}

export async function torrentCommand(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const cli = torrentProgram()
  if (!parse(cli, argv)) return EXIT.ok
  const flags = cli.opts<Flags>()
  const [what = ''] = cli.args
  const isUrl = /^https?:\/\//.test(what)
  if (isUrl && (flags.announce !== undefined || flags.url !== undefined))
    throw new UsageError('--announce and --url are for files here; a centre says its own')
  const where = { announce: flags.announce ?? null, urls: flags.url ?? [] }
  for (const url of [...where.urls, ...(where.announce === null ? [] : [where.announce])])
    if (!URL.canParse(url)) throw new UsageError(`not a URL: ${url}`)
  const made = isUrl
    ? await torrentOfUrl(what, `prsync/${version()}`, signal)
    : await torrentOfFile(what, where)
  const output = flags.output ?? `${nameOf(what, isUrl)}.torrent`
  if (output === '-') {
    process.stdout.write(made.bytes)
    return EXIT.ok
  }
  writeFile(output, made.bytes, flags.force === true)
  process.stdout.write(`${output} ${hexOf(infoHash(made.torrent))}\n`)
  return EXIT.ok
}

/** The last component; of a URL without what only a URL needs. */
function nameOf(what: string, isUrl: boolean): string {
  const path = isUrl ? utf8Path(new URL(what).pathname) : what
  const name = path.replace(/\/+$/, '').split('/').pop() ?? ''
  const bare = name.replace(/\.torrent$/, '')
  // nothing that a centre sent may become a path, or an odd name on this disk
  if (bare === '' || /[\p{Cc}\\\ufffd]/u.test(bare))
    throw new UsageError(`${what} names no file; use -o`)
  return bare
}

/** Percent-decoded; what is no UTF-8 shows as U+FFFD. */
function utf8Path(path: string): string {
  return Buffer.from(decodePath(path) ?? '', 'latin1').toString('utf8')
}
