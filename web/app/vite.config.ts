import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The pages that the API serves, built into the Python package. */
export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: '../../src/vivavoce/static',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the pages' policy allows nothing inline
    target: 'es2023',
  },
});
