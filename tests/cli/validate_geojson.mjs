// SPDX-License-Identifier: MIT
//
// Prints whatever geojsonhint has to say about the files, the right-hand rule
// of RFC 7946 included; ends with 1 if it has anything to say.
import {readFileSync} from 'node:fs';

import geojsonhint from '@mapbox/geojsonhint';

let faults = 0;
for (const file of process.argv.slice(2)) {
  // It would warn of more than six decimals; RFC 7946 recommends, but does not
  // demand, so few.
  const options = {noDuplicateMembers: true, precisionWarning: false};
  const hints = geojsonhint.hint(readFileSync(file, 'utf8'), options);
  for (const hint of hints) {
    console.log(`${file}:${hint.line ?? ''}: ${hint.message}`);
  }
  faults += hints.length;
}
process.exit(faults > 0 ? 1 : 0);
