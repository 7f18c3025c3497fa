import t from 'tap'
import { ProtocolError, StartupError, WireError } from '../../lib/base/errors.js'
import { authResponse } from '../../lib/hash/auth-digest.js'
import {
  agreedDigest,
  agreedProtocol,
  encodeArguments,
  formatGreeting,
  parseClientLine,
  parseDaemonLine,
  parseGreeting,
  parseLogin,
} from '../../lib/wire/greeting.js'

t.test('greetings of all ages', async (t) => {
  t.equal(formatGreeting(32), '@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4')
  t.same(parseGreeting('@RSYNCD: 32.0 sha512 md5'), {
    protocol: 32,
    subprotocol: 0,
    digests: ['sha512', 'md5'],
    omits: null,
  })
  t.match(parseGreeting('@RSYNCD: 29'), { protocol: 29, digests: null, omits: null })
  t.match(parseGreeting('@RSYNCD: 31'), { omits: 'subprotocol value' })
  t.match(parseGreeting('@RSYNCD: 32.0'), { omits: 'digest name list' })
  for (const line of ['', '@RSYNCD:', '@RSYNCD: x', '@RSYNCD: 1234567890', 'RSYNCD: 31.0'])
    t.throws(() => parseGreeting(line), WireError, line)
})

t.test('what two sides agree on', async (t) => {
  const cases: [number, string, number][] = [
    [32, '@RSYNCD: 32.0 md5', 32],
    [32, '@RSYNCD: 31.0', 31],
    [29, '@RSYNCD: 32.0 md5', 29],
    [32, '@RSYNCD: 40.7 md5', 32],
    [32, '@RSYNCD: 32.1 md5', 31],
    [32, '@RSYNCD: 31.2', 30],
  ]
  for (const [own, line, agreed] of cases)
    t.equal(agreedProtocol(own, parseGreeting(line)), agreed, line)
  for (const line of ['@RSYNCD: 26', '@RSYNCD: 41.0 md5', '@RSYNCD: 27.1'])
    t.throws(() => agreedProtocol(32, parseGreeting(line)), ProtocolError, line)
  const digests: [string, number, string | null][] = [
    ['@RSYNCD: 32.0 md5 sha256', 32, 'sha256'],
    ['@RSYNCD: 31.0', 31, 'md5'],
    ['@RSYNCD: 29', 29, 'md4-old'],
    ['@RSYNCD: 32.0 sha3', 32, null],
  ]
  for (const [line, protocol, digest] of digests)
    t.equal(agreedDigest(parseGreeting(line), protocol), digest, line)
})

t.test('answers to a challenge', async (t) => {
  // sha512 by rsync 3.5.0 on the wire; sha256, sha1, md5 by coreutils' sums, md4 by RFC 1320's own test of "abc"
  const challenge =
    'UAtquuriCuCMd0/mcCJ18DYjtmcVolqJFyEosiYzqU37i2RHJ0nPuJ0/pV1g/JV3On47dnj00FWBvolSiWB0DA'
  t.equal(
    authResponse('sha512', 'pw', challenge),
    'ASv6qwac0kEsbSVL49vuTtsbYotxwcRi71erxqcCF6PrsLxFhIC7nXnfudPo0N2awZoHu2nYWsxXgt9nzwe8lw',
  )
  const hex = (text: string): string => Buffer.from(text, 'base64').toString('hex')
  t.equal(hex(authResponse('md4', 'a', 'bc')), 'a448017aaf21d8525fc10ae87aa6729d')
  t.equal(hex(authResponse('md5', 'a', 'bc')), '900150983cd24fb0d6963f7d28e17f72')
  t.equal(hex(authResponse('sha1', 'a', 'bc')), 'a9993e364706816aba3e25717850c26c9cd0d89d')
  t.equal(
    hex(authResponse('sha256', 'a', 'bc')),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
  t.equal(authResponse('md4-old', 'a', 'bc'), authResponse('md4', '\0\0\0\0a', 'bc'))
})

t.test('lines of either side', async (t) => {
  t.same(parseDaemonLine('@RSYNCD: OK'), { kind: 'ok' })
  t.same(parseDaemonLine('@RSYNCD: EXIT'), { kind: 'exit' })
  t.same(parseDaemonLine('@RSYNCD: AUTHREQD x y'), { kind: 'challenge', challenge: 'x y' })
  t.same(parseDaemonLine('@ERROR: no'), { kind: 'error', text: '@ERROR: no' })
  t.same(parseDaemonLine('hello'), { kind: 'text', text: 'hello' })
  t.same(parseClientLine(''), { kind: 'list' })
  t.same(parseClientLine('#list'), { kind: 'list' })
  t.same(parseClientLine('mod'), { kind: 'module', name: 'mod' })
  t.same(parseClientLine('#x'), { kind: 'unknown', text: '#x' })
  t.same(parseClientLine('#early_input=5120'), { kind: 'early-input', length: 5120 })
  for (const length of ['0', '5121', '-1', 'x', '', '1x'])
    t.throws(() => parseClientLine(`#early_input=${length}`), WireError)
  t.same(parseLogin('joe x y'), { user: 'joe', response: 'x y' })
  t.equal(parseLogin('joe'), null)
  t.equal(parseLogin(' x'), null)
})

t.test('arguments cannot break out of their list', async (t) => {
  t.equal(encodeArguments(['--server', '.', 'm/'], 30), '--server\0.\0m/\0\0')
  t.equal(encodeArguments(['--server', '.', 'm/'], 29), '--server\n.\nm/\n\n')
  t.throws(() => encodeArguments(['a\nb'], 29), StartupError)
  t.equal(encodeArguments(['a\nb'], 30), 'a\nb\0\0')
})
