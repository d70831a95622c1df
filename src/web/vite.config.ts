import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  publicDir: false,
  logLevel: 'warn',
  plugins: [react()],
  build: {
    target: 'es2023',
    emptyOutDir: true,
    reportCompressedSize: false,
    // Emits all assets as files, because the content security policy allows data URLs only for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // The licenses of what is bundled, and of what is copied into the source.
    license: { fileName: 'licenses.md' },
    rolldownOptions: { output: { comments: { legal: true } } },
  },
});
