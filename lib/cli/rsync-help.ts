/** `prsync --help`: how it is used, the subcommands, and rsync's options from their table. */
import { OPTIONS, type OptionSpec } from '../options/table.js'

const COLUMN = 30

export function rsyncHelp(version: string): string {
  const rows = OPTIONS.filter((o) => o.hidden !== true).map(
    (o) => `  ${spelled(o).padEnd(COLUMN)} ${o.help}`,
  )
  return `prsync version ${version}
Usage: prsync [OPTION…] SRC… DEST      copies as rsync does
       prsync COMMAND [OPTION…]        mirrors that help each other

Commands (each takes --help)
  pull        bring a tree in step with a module of a centre
  serve       publish trees, track and seed their swarm
  status      what a centre gives, or how a pulled tree stands
  publish     have a centre look at its trees now
  verify      read every file of a pulled tree, and repair it
  torrent     the .torrent of a file, for any BitTorrent v2 client
  keygen      make a centre's key
  volunteer   invite volunteers to a centre, list, quarantine and remove them
  completion  what makes a shell complete all this

Options of a copy
${rows.join('\n')}

Example: prsync -a --delete /srv/mirror/ /backup/mirror
The manual: prsync(1).
`
}

function spelled(spec: OptionSpec): string {
  const argument = spec.argument === undefined ? '' : `=${spec.argument}`
  if (spec.long === spec.short) return `-${spec.short}`
  return `--${spec.long}${argument}${spec.short === undefined ? '' : `, -${spec.short}`}`
}
