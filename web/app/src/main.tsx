import './ui/base.css';
import { lazy, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { Waiting } from './ui/Notice.tsx';

const Candidate = lazy(() => import('./candidate/Candidate.tsx'));
const Console = lazy(() => import('./console/Console.tsx'));

const root = document.getElementById('root');
if (root) {
  const isCandidate = location.pathname.startsWith('/i');
  createRoot(root).render(
    <StrictMode>
      <Suspense fallback={<Waiting>One moment</Waiting>}>
        {isCandidate ? <Candidate /> : <Console />}
      </Suspense>
    </StrictMode>,
  );
}
