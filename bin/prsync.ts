#!/usr/bin/env node
/** argv in, exit status out. */
import { main } from '../lib/cli/main.js'

process.exitCode = await main(process.argv.slice(2), process.argv[1] ?? 'prsync')
