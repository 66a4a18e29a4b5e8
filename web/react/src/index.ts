export * from '@vivavoce/client';
