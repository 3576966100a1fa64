import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  // Generated: its form is the generator's business. The rest is output.
  { ignores: ['dist/', 'test-results/', 'src/api/schema.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'vite.config.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      // Numbers in template texts read well and are safe.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Event handlers of one call are clearer without braces.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // What is taken apart to be left out has such a name.
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }],
      // The router throws redirects and not-found marks, which are no errors.
      '@typescript-eslint/only-throw-error': 'off',
      // Index signatures are reached by bracket, as noPropertyAccessFromIndexSignature would ask.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        'process console URL URLSearchParams setTimeout clearTimeout setInterval clearInterval Buffer fetch AbortController structuredClone document window navigator localStorage sessionStorage getComputedStyle performance'
          .split(' ')
          .map((name) => [name, 'readonly']),
      ),
    },
  },
);
