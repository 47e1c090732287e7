import { text } from 'node:stream/consumers';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import core from '@stoplight/spectral-core';
import parsers from '@stoplight/spectral-parsers';
import rulesets from '@stoplight/spectral-rulesets';

/**
 * What the recommended rules of Redocly and of Spectral find wrong, warnings too, with OpenAPI descriptions: of `{name: document}` on standard input, as
 * a JSON array of lines. A process of its own: what the two bring along stays out of the tests.
 */
const redocly = await createConfig({ extends: ['recommended'] });
const spectral = new core.Spectral();
spectral.setRuleset(new core.Ruleset({ extends: [[rulesets.oas, 'recommended']] }));

const found = [];
for (const [name, document] of Object.entries(JSON.parse(await text(process.stdin)))) {
  const source = JSON.stringify(document);
  for (const { ruleId, message, location } of await lintFromString({
    ...{ source, absoluteRef: `${name}.json`, config: redocly },
  })) {
    found.push(`${name}: redocly ${ruleId} at ${location[0]?.pointer ?? '#'}: ${message}`);
  }
  for (const { code, message, path } of await spectral.run(new core.Document(source, parsers.Json, name))) {
    found.push(`${name}: spectral ${code} at #/${path.join('/')}: ${message}`);
  }
}
console.log(JSON.stringify(found));
