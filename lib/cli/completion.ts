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

/** @param copy options where no command is named, as in `prsync -a SRC DEST` */
export function completionFor(
  shell: Shell,
  commands: readonly CommandShape[],
  copy: readonly OptionShape[],
): string {
  switch (shell) {
    case 'bash':
      return bash(commands, copy)
    case 'zsh':
      return zsh(commands, copy)
    case 'fish':
      return fish(commands, copy)
  }
}

function bash(commands: readonly CommandShape[], copy: readonly OptionShape[]): string {
  const cases = commands.map(({ name, options, words }) => {
    const valued = flags(options.filter((o) => o.takesValue)).join('|')
    const file = valued === '' ? '' : `      case $prev in ${valued}) return ;; esac\n`
    return `    ${name})\n${file}      options='${flags(options).join(' ')}' words='${words.join(' ')}' ;;\n`
  })
  return `# bash completion of prsync
_prsync() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ] && [[ $cur != -* ]]; then
    COMPREPLY=($(compgen -W '${commands.map((c) => c.name).join(' ')}' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('')}    *)
      case $prev in ${flags(copy.filter((o) => o.takesValue)).join('|')}) return ;; esac
      options='${flags(copy).join(' ')}' ;;
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

function zsh(commands: readonly CommandShape[], copy: readonly OptionShape[]): string {
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
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  local which=$words[2]
  if [[ " \${commands[*]%%:*} " == *" $which "* ]]; then
    shift words
    (( CURRENT-- ))
  fi
  case $which in
${cases.join('')}    *) _arguments \\
${copy.map((o) => `      ${quoted(zshSpec(o))} \\\n`).join('')}      '*:file:_files' ;;
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

function fish(commands: readonly CommandShape[], copy: readonly OptionShape[]): string {
  const lines = ['# fish completion of prsync', 'complete -c prsync -n __fish_use_subcommand -f']
  for (const o of copy)
    lines.push(`complete -c prsync -n ${fishQuoted(withoutCommand(commands))}${fishOption(o)}`)
  for (const { name, description, options, words } of commands) {
    lines.push(
      `complete -c prsync -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(brief(description))}`,
    )
    const when = `complete -c prsync -n '__fish_seen_subcommand_from ${name}'`
    if (words.length > 0) lines.push(`${when} -f -a '${words.join(' ')}'`)
    for (const o of options) lines.push(`${when}${fishOption(o)}`)
  }
  return `${lines.join('\n')}\n`
}

function withoutCommand(commands: readonly CommandShape[]): string {
  return `not __fish_seen_subcommand_from ${commands.map((c) => c.name).join(' ')}`
}
function fishOption(o: OptionShape): string {
  const long = o.long === null ? '' : ` -l ${o.long.slice(2)}`
  const short = o.short === null ? '' : ` -s ${o.short.slice(1)}`
  return `${long}${short}${o.takesValue ? ' -r' : ''} -d ${fishQuoted(brief(o.description))}`
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
