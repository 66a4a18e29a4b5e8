import { defineConfig } from 'vite';

/** The tests' page, with the packages as they stand in the sources. */
export default defineConfig({
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
});
