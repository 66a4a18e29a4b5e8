import { defineConfig } from 'vitest/config';

const conditions = ['source', 'module', 'browser', 'development|production'];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: { name: 'client', include: ['client/test/**/*.test.ts'], environment: 'node' },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: { name: 'react', include: ['react/test/**/*.test.tsx'], environment: 'jsdom' },
      },
    ],
  },
});
