export { shareModules } from './share-modules.ts';
