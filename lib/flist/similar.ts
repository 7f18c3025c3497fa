/** Which names look like versions of one another: rsync(1) --fuzzy, as far as package names go. */

/** `foo_1.2-1_amd64.deb` and `foo_1.10-2_amd64.deb` have one stem: numbers are what versions change. */
export function stemOf(base: string): string {
  return base.replace(/\d+/g, '0').replace(/(0[.~+_-])+0/g, '0')
}
