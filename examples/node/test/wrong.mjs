#!/usr/bin/env node
// A plugin whose declarations are wrong in every way that can be seen.

import { autoId, gauge, globalId, integer, password, provide, resourceClass, scopedId, serve, string, upperBound, valueCondition } from '../faultline/index.mjs';

const classes = [
  resourceClass('NoIdentifier', { attributes: { name: string() } }),
  resourceClass('NoRoot', { identifier: autoId(), attributes: { name: string() } }),
  resourceClass('Scoped', { base: 'ScannableResource', identifier: scopedId('name'), attributes: { name: string() } }),
  resourceClass('Names', {
    base: 'Drawer',
    identifier: globalId('serial'),
    attributes: { status: string(), count: integer({ readOnly: true }), secret: password(undefined) },
    statistics: { temperature: gauge() },
    conditions: [
      valueCondition('status', { error: ['BAD'] }),
      valueCondition('status', { error: ['WORSE'] }),
      upperBound('heat', { warn: 3 }),
    ],
    charts: [{ title: 'All', series: ['temperature', 'status'] }],
    relations: [provide(['linux', 'ScsiDevice'], ['wwid'])],
  }),
];

serve({ version: '1.0', classes, plugin: class {} });
