import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const ICONS = [
  { file: 'icon-192.png', sizes: '192x192', purpose: 'any' },
  { file: 'icon-512.png', sizes: '512x512', purpose: 'any' },
  { file: 'icon-maskable-512.png', sizes: '512x512', purpose: 'maskable' },
];

/** Emits the web app manifest and its icons, and links to the manifest. */
function webAppManifest(): Plugin {
  // Set by `generateBundle`, which runs before `transformIndexHtml`.
  let href = '';
  return {
    name: 'web-app-manifest',
    generateBundle() {
      const icons = ICONS.map(({ file, ...icon }) => {
        const source = readFileSync(new URL(`./icons/${file}`, import.meta.url));
        const id = this.emitFile({ type: 'asset', name: file, source });
        return { src: `/${this.getFileName(id)}`, type: 'image/png', ...icon };
      });
      const manifest = {
        id: '/',
        start_url: '/',
        scope: '/',
        name: 'Devpilot',
        display: 'standalone',
        background_color: '#f7f8fa',
        theme_color: '#4338ca',
        icons,
      };
      const id = this.emitFile({ type: 'asset', name: 'devpilot.webmanifest', source: JSON.stringify(manifest) });
      href = `/${this.getFileName(id)}`;
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => [{ tag: 'link', attrs: { rel: 'manifest', href }, injectTo: 'head' }],
    },
  };
}

/**
 * Makes the stylesheet a preload, so that the first paint does not wait for it. `main.tsx` applies it before it renders
 * the page.
 */
function deferStylesheet(): Plugin {
  return {
    name: 'defer-stylesheet',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replace('<link rel="stylesheet"', '<link rel="preload" as="style"'),
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  publicDir: false,
  logLevel: 'warn',
  plugins: [react(), webAppManifest(), deferStylesheet()],
  build: {
    target: 'es2023',
    emptyOutDir: true,
    reportCompressedSize: false,
    // Emits all assets as files, because the content security policy allows data URLs only for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    // Writes the licenses of bundled packages, and keeps the license comments of copied code.
    license: { fileName: 'licenses.md' },
    rolldownOptions: { output: { comments: { legal: true } } },
  },
});
