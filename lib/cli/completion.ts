/** Completion for shells, made from the commands' own option tables: what --help shows is what the shell offers. */

export type OptionShape = {
  /** `--long`, or null. */
  readonly long: string | null
  /** `-s`, or null. */
  readonly short: string | null
  readonly takesValue: boolean
  readonly description: string
}

export type CommandShape = {
  readonly name: string
  readonly description: string
  readonly options: readonly OptionShape[]
  /** Words that its argument may be; empty: files. */
  readonly words: readonly string[]
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export function completionFor(shell: Shell, commands: readonly CommandShape[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return zsh(commands)
    case 'fish':
      return fish(commands)
  }
}

function bash(commands: readonly CommandShape[]): string {
  const cases = commands.map(({ name, options, words }) => {
    const valued = flags(options.filter((o) => o.takesValue)).join('|')
    const file = valued === '' ? '' : `      case $prev in ${valued}) return ;; esac\n`
    return `    ${name})\n${file}      options='${flags(options).join(' ')}' words='${words.join(' ')}' ;;\n`
  })
  return `# bash completion of prsync
_prsync() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map((c) => c.name).join(' ')}' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('')}    *) return ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
# where nothing of ours fits, files are offered
complete -o default -F _prsync prsync
`
}

function zsh(commands: readonly CommandShape[]): string {
  const list = commands.map(
    ({ name, description }) => `    ${quoted(`${name}:${brief(description)}`)}\n`,
  )
  const cases = commands.map(({ name, options, words }) => {
    const specs = options.map((o) => `      ${quoted(zshSpec(o))} \\\n`)
    const rest = words.length > 0 ? `*:word:(${words.join(' ')})` : '*:file:_files'
    return `    ${name}) _arguments \\\n${specs.join('')}      ${quoted(rest)} ;;\n`
  })
  return `#compdef prsync
# zsh completion of prsync
_prsync() {
  local -a commands
  commands=(
${list.join('')}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local which=$words[2]
  shift words
  (( CURRENT-- ))
  case $which in
${cases.join('')}    *) _files ;;
  esac
}
# in a directory of $fpath, or sourced
if [ "$funcstack[1]" = _prsync ]; then _prsync "$@"; else compdef _prsync prsync; fi
`
}

/** `--long[what it does]:value:_files`; brackets and colons mean something there. */
function zshSpec({ long, short, takesValue, description }: OptionShape): string {
  const what = brief(description).replace(/[[\]:\\]/g, (c) => `\\${c}`)
  const value = takesValue ? ':value:_files' : ''
  // one of both forms is enough to type; the other is known from --help
  return `*${long ?? short ?? ''}${takesValue && long !== null ? '=' : ''}[${what}]${value}`
}

function fish(commands: readonly CommandShape[]): string {
  const lines = ['# fish completion of prsync', 'complete -c prsync -n __fish_use_subcommand -f']
  for (const { name, description, options, words } of commands) {
    lines.push(
      `complete -c prsync -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(brief(description))}`,
    )
    const when = `complete -c prsync -n '__fish_seen_subcommand_from ${name}'`
    if (words.length > 0) lines.push(`${when} -f -a '${words.join(' ')}'`)
    for (const o of options) {
      const long = o.long === null ? '' : ` -l ${o.long.slice(2)}`
      const short = o.short === null ? '' : ` -s ${o.short.slice(1)}`
      const value = o.takesValue ? ' -r' : ''
      lines.push(`${when}${long}${short}${value} -d ${fishQuoted(brief(o.description))}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function flags(options: readonly OptionShape[]): string[] {
  return options.flatMap(({ long, short }) => [long, short].filter((flag) => flag !== null))
}
/** A single-quoted word of bash and zsh. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`
}
function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, (c) => `\\${c}`)}'`
}
/** The first sentence, on one line. */
function brief(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\.$/, '')
}
