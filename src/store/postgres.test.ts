import { after } from 'node:test';
import { startPostgres } from '../testing/postgres.ts';
import { openTestDatabase } from '../testing/store.ts';
import { storeSuite } from '../testing/store-suite.ts';

const postgres = await startPostgres();
after(() => postgres.close());

storeSuite('PostgreSQL', () => openTestDatabase(postgres));
