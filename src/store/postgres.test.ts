import { after } from 'node:test';
import { startPostgres } from '../testing/postgres.ts';
import { openTestDatabase } from '../testing/store.ts';
import { declareStoreSuite } from '../testing/store-suite.ts';

const postgres = await startPostgres();
after(() => postgres.close());

declareStoreSuite('PostgreSQL', () => openTestDatabase(postgres));
