/** Only what needs types; format and the rest is biome's. */
import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/', '**/*.as.ts'] },
  {
    files: ['{bin,lib,test,bench}/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: {
        project: './tsconfig.json',
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { ts: tseslint.plugin },
    rules: {
      'ts/no-explicit-any': 'error',
      'ts/no-unsafe-assignment': 'error',
      'ts/no-unsafe-call': 'error',
      'ts/no-unsafe-member-access': 'error',
      'ts/no-unsafe-return': 'error',
      'ts/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: '@tapjs/core' }] },
      ],
      'ts/no-misused-promises': 'error',
      'ts/no-non-null-assertion': 'error',
      'ts/only-throw-error': 'error',
      'ts/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'ts/explicit-module-boundary-types': 'error',
      'max-depth': ['error', 4],
      'max-lines-per-function': ['warn', { max: 60, skipComments: true, skipBlankLines: true }],
      'max-lines': ['warn', { max: 400, skipComments: true }],
    },
  },
  {
    // The pure folders of docs/architecture.md: values in, values out.
    files: ['lib/{hash,options,flist,delta,wire,bt,plan,snapshot,tracker,mirror}/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'pure folders are synchronous' },
        {
          selector:
            'CallExpression[callee.object.name=/^(Date|performance)$/][callee.property.name="now"]',
          message: 'take `now` as an argument',
        },
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'take `now` as an argument',
        },
        {
          selector: 'MemberExpression[object.name="Math"][property.name="random"]',
          message: 'take a seed or Random as an argument',
        },
        { selector: 'Identifier[name="process"]', message: 'take it as an argument' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'ts/no-floating-promises': 'off', 'max-lines-per-function': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/properties.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'fast-check',
          message: 'take it from test/support/properties, which sets the seed',
        },
      ],
    },
  },
)
