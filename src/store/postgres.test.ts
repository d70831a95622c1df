import { after } from 'node:test';
import { openTestDatabases } from '../testing/postgres.ts';
import { declareStoreSuite } from '../testing/store-suite.ts';
import { openTestDatabase } from '../testing/test-store.ts';

const postgres = await openTestDatabases();
after(() => postgres.close());

declareStoreSuite('PostgreSQL', () => openTestDatabase(postgres));
