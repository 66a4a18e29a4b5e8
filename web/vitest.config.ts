import { defineConfig } from 'vitest/config';

const conditions = ['source', 'module', 'browser', 'development|production'];

/** For a machine that is busy with other tests; nothing waits for real time. */
const testTimeout = 30_000;

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: 'client',
          include: ['client/test/**/*.test.ts'],
          environment: 'node',
          testTimeout,
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: 'react',
          include: ['react/test/**/*.test.tsx'],
          environment: 'jsdom',
          testTimeout,
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name: 'app',
          include: ['app/test/**/*.test.{ts,tsx}'],
          environment: 'jsdom',
          testTimeout,
        },
      },
    ],
  },
});
