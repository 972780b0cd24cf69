import { expect, test } from 'vitest';
import { Pool, Turns } from '../semaphore.ts';

test('a pool lends in the order of asking, but to the urgent ones first', async () => {
  const pool = new Pool(['only']);
  const order: string[] = [];
  const ask = async (name: string, urgent?: boolean) => {
    const item = await pool.acquire({ ...(urgent !== undefined && { urgent }) });
    order.push(name);
    pool.release(item);
  };
  const item = await pool.acquire();
  const all = [ask('a'), ask('b', false), ask('c', true), ask('d', true), ask('e')];
  pool.release(item);
  await Promise.all(all);
  expect(order).toEqual(['c', 'd', 'a', 'b', 'e']);
});

test('a turn that fails is over too', async () => {
  const turns = new Turns();
  const failed = turns.run(() => Promise.reject(new Error('no')));
  const next = turns.run(async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
