/** Filter files as text → their rules, one each: lines, words, or NUL-ended; without blanks and comments. */

export type RuleSplitting = {
  /** Split at any white space, so that a prefix ends with `_`; no comments. (rsync's manual says that `- foo + bar` are
   * two rules; rsync 3.5.0 refuses it.) */
  readonly words: boolean
  /** `--from0`: rules end with NUL. */
  readonly nul: boolean
}

export function splitRules(text: string, how: RuleSplitting): readonly string[] {
  if (how.words) return text.split(/[ \t\n\v\f\r]+/).filter((word) => word !== '')
  const lines = text.split(how.nul ? '\0' : /[\n\r]/)
  return lines.filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
}
