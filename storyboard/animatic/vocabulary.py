"""Vocabulary of prompts: the English words and phrases that a reading uses, by meaning.

Each table maps a meaning to phrases, separated by commas, in lower case, without hyphens. Nouns are singular; the
lexicon adds plurals. No code here but the tables.
"""

from collections.abc import Mapping

SIZE_WORDS: Mapping[str, str] = {
    "extreme-close-up": "extreme close up, extreme closeup, extreme close, ecu, xcu, big close up, bcu, macro, "
    "macro shot, macro close up, macro closeup, extreme macro, choker shot, super close up",
    "close-up": "close up, closeup, close ups, close up shot, close shot, cu, tight shot, tight close up, tight on, "
    "close, head shot, headshot, detail shot, detail of, macro detail, tight framing, close on, extreme detail shot",
    "medium-close-up": "medium close up, medium closeup, medium close, mcu, bust shot, chest up, chest shot, "
    "head and shoulders, shoulders up, shoulder up, mid close up, upper body shot",
    "medium": "medium, medium shot, mid shot, midshot, medium view, waist up, waist shot, half body, half body shot, "
    "medium framing, medium two shot, from the waist up",
    "medium-long": "cowboy shot, american shot, medium long shot, medium wide shot, medium wide, medium full shot, "
    "mls, mws, knee shot, knees up, knee up, three quarter shot, mid thigh up",
    "full": "full shot, full body, full body shot, full length, full length shot, full figure, head to toe, fs, "
    "entire body, whole body",
    "wide": "wide, wide shot, wide view, wide angle shot, wide angle view, wide angle, wide framing, long shot, ws, "
    "wide tracking shot, wides, wide static shot, wide handheld shot, wide low angle shot, wide establishing shot, "
    "wide cinematic shot, master shot, distant shot, distant view, wide on",
    "extreme-wide": "extreme wide shot, extreme wide, extreme long shot, very wide shot, ultra wide shot, ews, els, "
    "xls, xws, panoramic view, panoramic shot, sweeping vista, vast wide shot, super wide shot",
}
ACRONYMS = frozenset("cu ecu xcu bcu mcu mls mws fs ws ews els xls xws".split())  # noqa: SIM905 - read in capitals only

VIEW_WORDS: Mapping[str, str] = {
    "over-the-shoulder": "over the shoulder, over the shoulder shot, ots, ots shot, over shoulder shot, "
    "shot over her shoulder, shot over his shoulder, seen over her shoulder, seen over his shoulder",
    "point-of-view": "point of view, pov, first person, first person view, first person perspective, "
    "subjective shot, point of view shot, pov shot, through the eyes of",
    "two-shot": "two shot, twoshot, medium two shot, close two shot, wide two shot, 2 shot",
    "insert": "insert, insert shot, cutaway, cutaway shot, product insert",
    "establishing": "establishing shot, establishing, establishing view, wide establishing shot, "
    "aerial establishing shot",
}

ANGLE_WORDS: Mapping[str, str] = {
    "eye-level": "eye level, at eye level, eye level shot, straight on shot, straight on",
    "low": "low angle, low angle shot, low shot, low angle view, from below, seen from below, shot from below, "
    "from a low angle, worm's eye, worm's eye view, worms eye view, ground level, ground level shot, "
    "camera looks up at, camera looking up at, camera angled up, camera is angled up, hip level, "
    "looking up from below, low camera, camera low to the ground, from the ground",
    "high": "high angle, high angle shot, from above, seen from above, shot from above, view from above, "
    "viewed from above, filmed from above, from a high angle, high angle view, camera looks down on, "
    "camera looking down on, camera looks down at, camera looking down at, camera angled down, high shot",
    "overhead": "bird's eye, bird's eye view, bird's eye shot, birds eye view, bird eye view, bird's eye angle, "
    "top down, top down shot, top down view, overhead, overhead shot, overhead view, top shot, god's eye view, "
    "gods eye view, directly overhead, directly above, from directly above, straight down, flat lay, flatlay, "
    "looking straight down",
    "aerial": "aerial, aerial shot, aerial view, aerial drone shot, drone shot, drone view, drone footage, "
    "drone video, helicopter shot, from a drone, by drone, aerial footage, aerial drone footage, aerial photography",
    "dutch": "dutch angle, dutch tilt, dutch angle shot, canted angle, tilted horizon, canted shot, oblique angle, "
    "dutch shot",
}

# Kinds of subjects. Words with another common meaning stand in AMBIGUOUS too.
SUBJECT_WORDS: Mapping[str, str] = {
    "person": "person, human, someone, somebody, figure, silhouette, stranger, character, protagonist, hiker, "
    "traveller, traveler, tourist, astronaut, cosmonaut, explorer, dancer, runner, jogger, soldier, warrior, hero, "
    "detective, climber, diver, wanderer, scientist, worker, chef, cook, baker, barista, bartender, waiter, "
    "doctor, surgeon, nurse, patient, teacher, professor, student, singer, musician, guitarist, pianist, drummer, "
    "violinist, rapper, dj, actor, performer, model, fashion model, athlete, boxer, wrestler, swimmer, surfer, "
    "skier, snowboarder, skater, skateboarder, cyclist, biker, rider, driver, pilot, captain, sailor, pirate, "
    "farmer, shepherd, gardener, hunter, carpenter, blacksmith, mechanic, engineer, builder, potter, painter, "
    "artist, writer, poet, photographer, filmmaker, journalist, reporter, lawyer, judge, police officer, officer, "
    "cop, detective, guard, agent, spy, thief, criminal, prisoner, clown, magician, wizard, ninja, samurai, "
    "knight, elf, zombie, ghost, vampire, angel, demon, alien, superhero, vendor, seller, shopkeeper, merchant, "
    "cashier, customer, client, passenger, commuter, pedestrian, neighbour, neighbor, friend, colleague, manager, "
    "ceo, entrepreneur, businessperson, office worker, programmer, hacker, gamer, streamer, nomad, pilgrim, "
    "villager, teenager, teen, adult, parent, twin, sibling, barber, tailor, craftsman, artisan, gymnast, "
    "ballerina, skater boy, firefighter, paramedic, miner, construction worker, delivery driver, courier, "
    "goalkeeper, footballer, football player, soccer player, basketball player, tennis player, golfer, player, "
    "opponent, coach, referee, fighter, conductor, speaker, presenter, anchor, host, contestant, executive, boss, "
    "intern, zookeeper, vet, candidate, leader, scuba diver, people, folk, fan, guest, member, survivor, refugee, "
    "protester, mime, archer, assassin, bounty hunter, watchmaker, glassblower, weaver, beekeeper, florist, "
    "butcher, sculptor, librarian, backpacker, camper",
    "woman": "woman, lady, girlfriend, wife, mother, mom, mum, grandmother, grandma, granny, aunt, sister, actress, "
    "waitress, queen, princess, bride, goddess, witch, nun, businesswoman, policewoman, heroine, maid, widow, "
    "geisha, mermaid, stewardess, female, hostess, saleswoman, spokeswoman, empress, businesswomen, young woman",
    "man": "man, guy, gentleman, dude, boyfriend, husband, father, dad, grandfather, grandpa, uncle, brother, king, "
    "prince, groom, monk, priest, cowboy, fisherman, businessman, policeman, fireman, lord, emperor, male, "
    "salesman, postman, mailman, sportsman, caveman, bearded man, lumberjack, viking, gladiator, gunslinger, "
    "sheriff, butler, doorman, bouncer",
    "girl": "girl, daughter, schoolgirl, little girl, young girl, granddaughter",
    "boy": "boy, son, schoolboy, little boy, young boy, grandson, lad",
    "child": "child, kid, toddler, preschooler, schoolchild, youngster, little one",
    "baby": "baby, infant, newborn",
    "crowd": "crowd, audience, sea of people, sea of faces, sea of hands, sea of fans, mob, spectator, throng, "
    "parade, procession, army, protest march, crowd of people, crowds of people, throng of people, "
    "rush hour crowd, fans",
    "robot": "robot, android, cyborg, humanoid, mech, automaton, droid",
    "dog": "dog, puppy, pup, hound, corgi, labrador, retriever, golden retriever, husky, poodle, bulldog, terrier, "
    "dachshund, beagle, german shepherd, shiba inu, dalmatian, pug, chihuahua, collie, border collie",
    "cat": "cat, kitten, kitty, tabby, siamese cat",
    "horse": "horse, pony, stallion, mare, foal, mustang, unicorn, donkey, mule, zebra",
    "bird": "bird, gull, seagull, pigeon, dove, crow, raven, sparrow, parrot, heron, swan, flamingo, peacock, "
    "hummingbird, stork, pelican, songbird, swallow, crane, robin, macaw, toucan, ostrich, goose",
    "eagle": "eagle, hawk, falcon, vulture, condor",
    "owl": "owl",
    "duck": "duck, duckling",
    "chicken": "chicken, hen, rooster, chick",
    "fish": "fish, goldfish, koi, clownfish, salmon, trout, tuna, manta ray, stingray, seahorse, piranha",
    "deer": "deer, stag, doe, fawn, elk, moose, reindeer, antelope, gazelle",
    "fox": "fox",
    "wolf": "wolf",
    "bear": "bear, polar bear, grizzly, grizzly bear, panda, red panda, giant panda, teddy bear, koala",
    "lion": "lion, lioness, lion cub",
    "tiger": "tiger, leopard, cheetah, jaguar, panther, snow leopard, puma, lynx",
    "elephant": "elephant, mammoth, baby elephant",
    "monkey": "monkey, gorilla, chimpanzee, ape, orangutan, lemur, baboon",
    "rabbit": "rabbit, bunny, hare",
    "cow": "cow, bull, ox, buffalo, bison, calf, cattle, yak, highland cow",
    "sheep": "sheep, lamb, goat, ram, alpaca, llama",
    "pig": "pig, piglet, boar",
    "mouse": "mouse, rat, hamster, squirrel, chipmunk",
    "snake": "snake, cobra, python, serpent",
    "insect": "insect, butterfly, bee, ant, beetle, spider, dragonfly, ladybug, moth, caterpillar, mosquito, "
    "firefly, grasshopper, wasp, bumblebee, scorpion, praying mantis",
    "whale": "whale, orca, humpback whale, humpback, blue whale",
    "shark": "shark",
    "dolphin": "dolphin, seal, sea lion",
    "turtle": "turtle, tortoise, sea turtle",
    "frog": "frog, toad",
    "penguin": "penguin",
    "camel": "camel",
    "jellyfish": "jellyfish",
    "octopus": "octopus, squid",
    "dragon": "dragon",
    "dinosaur": "dinosaur, t rex, tyrannosaurus, velociraptor",
    "animal": "animal, creature, beast, monster, giraffe, hippo, hippopotamus, rhino, rhinoceros, kangaroo, raccoon, "
    "otter, beaver, hedgehog, badger, sloth, crocodile, alligator, lizard, gecko, chameleon, iguana, snail, crab, "
    "lobster, bat, meerkat, hyena, skunk, porcupine, platypus, capybara, weasel, ferret, starfish",
    "car": "car, taxi, cab, sedan, suv, sports car, race car, racing car, convertible, limousine, police car, "
    "sportscar, jeep, hatchback, supercar, muscle car, vintage car, electric car, classic car, patrol car, "
    "automobile, coupe, roadster, minivan",
    "truck": "truck, lorry, pickup, pickup truck, van, fire truck, ambulance, tractor, tank, campervan, food truck, "
    "excavator, bulldozer, delivery van, rv",
    "bus": "bus, school bus, double decker, tram, trolley, streetcar, coach bus, minibus",
    "motorcycle": "motorcycle, motorbike, scooter, moped, vespa",
    "bicycle": "bicycle, bike, mountain bike, road bike, tricycle",
    "train": "train, locomotive, subway train, steam train, bullet train, metro train, high speed train, freight train",
    "airplane": "airplane, aeroplane, plane, jet, airliner, fighter jet, biplane, glider, private jet, aircraft",
    "helicopter": "helicopter, chopper",
    "boat": "boat, skiff, canoe, kayak, rowboat, raft, gondola, dinghy, fishing boat, motorboat, speedboat, ferry, "
    "rowing boat",
    "ship": "ship, cruise ship, cargo ship, vessel, submarine, steamship, battleship, warship, aircraft carrier, "
    "freighter",
    "sailboat": "sailboat, sailing boat, yacht, schooner, galleon, sailing ship, pirate ship, catamaran, tall ship",
    "spaceship": "spaceship, spacecraft, starship, rocket, ufo, satellite, space shuttle, flying saucer, lunar module",
    "vehicle": "vehicle, carriage, wagon, sled, sleigh, wheelchair, stroller, rickshaw, tuk tuk, snowmobile, "
    "hot air balloon, airship, zeppelin, forklift, golf cart, chariot, cable car, horse cart",
    "bottle": "bottle, wine bottle, perfume bottle, water bottle, beer bottle, flask, jar, vial, whiskey bottle, "
    "milk bottle, glass bottle, champagne bottle, serum bottle, spray bottle, bottle of perfume",
    "perfume": "perfume, fragrance",
    "cup": "cup, mug, coffee cup, teacup, cup of coffee, cup of tea, mug of coffee, mug of tea, espresso, "
    "cappuccino, latte, coffee mug, cups of coffee, teapot, paper cup, takeaway cup",
    "glass": "glass, wine glass, glass of wine, glass of water, cocktail, goblet, champagne flute, pint of beer, "
    "whiskey glass, glass of whiskey, glass of beer, glass of milk, glass of champagne, glass of red wine, "
    "beer glass, tumbler, martini",
    "can": "soda can, beer can, tin can, can of soda, aluminium can, aluminum can, can of beer",
    "phone": "phone, smartphone, cellphone, cell phone, mobile phone, iphone, telephone, mobile, payphone",
    "book": "book, notebook, diary, novel, magazine, bible, textbook, photo album, sketchbook, comic book, old book",
    "letter": "letter, envelope, newspaper, note, postcard, document, contract, paper sheet, photograph, passport, "
    "sheet of paper, piece of paper, treasure map",
    "bag": "bag, backpack, handbag, suitcase, purse, briefcase, shopping bag, rucksack, duffel bag, luggage, paper bag",
    "box": "box, package, parcel, crate, gift, gift box, present, treasure chest, cardboard box, carton, basket, "
    "barrel",
    "gun": "gun, pistol, rifle, revolver, shotgun",
    "sword": "sword, katana, spear, lightsaber, staff, axe, bow and arrow, shield",
    "knife": "knife, dagger, scissors, blade, chef's knife, kitchen knife",
    "camera": "film camera, photo camera, polaroid camera, vintage camera, dslr, dslr camera, camcorder, binoculars, "
    "telescope",
    "umbrella": "umbrella, parasol",
    "instrument": "instrument, violin, cello, trumpet, saxophone, flute, drum, drum kit, harp, accordion, trombone, "
    "ukulele, synthesizer, clarinet, banjo, turntable, cymbal, tambourine, double bass",
    "guitar": "guitar, electric guitar, acoustic guitar, bass guitar, bass",
    "piano": "piano, grand piano, keyboard, organ",
    "microphone": "microphone, mic",
    "flower": "flower, rose, tulip, lily, sunflower, bouquet, orchid, daisy, lotus, peony, dandelion, "
    "bouquet of flowers, wildflower, poppy, single rose, red rose, cherry blossom, blossom",
    "plant": "plant, potted plant, cactus, houseplant, bush, shrub, seedling, sprout, mushroom, bonsai",
    "tree": "tree, oak, oak tree, palm tree, willow, pine tree, cherry tree, apple tree, birch, lone tree, "
    "christmas tree, olive tree, maple tree, cherry blossom tree, baobab",
    "food": "food, pizza, burger, hamburger, sandwich, bread, noodle, ramen, sushi, pasta, spaghetti, steak, salad, "
    "soup, meal, dish, plate, plate of food, taco, fries, cheese, egg, croissant, bowl of soup, rice, chocolate, "
    "chocolate bar, ice cream, ice cream cone, popcorn, pancake, donut, doughnut, cookie, honey, dumpling, "
    "hot dog, bowl, dough, dessert",
    "fruit": "fruit, apple, orange, banana, strawberry, lemon, grape, cherry, watermelon, peach, mango, pineapple, "
    "tomato, avocado, raspberry, blueberry, pomegranate, lime, pear, kiwi, coconut, pumpkin",
    "cake": "cake, birthday cake, cupcake, wedding cake, pie, pastry, muffin",
    "laptop": "laptop, computer, laptop computer, macbook, typewriter, tablet, ipad",
    "screen": "screen, monitor, television, tv, computer screen, crt, hologram",
    "watch": "watch, wristwatch, pocket watch, smartwatch, luxury watch",
    "clock": "clock, alarm clock, grandfather clock, hourglass, stopwatch, wall clock",
    "shoe": "shoe, sneaker, boot, high heel, heels, sandal, running shoe, trainers, ballet shoe, pointe shoe, slipper",
    "jewel": "ring, wedding ring, necklace, diamond, jewel, bracelet, earring, crown, gem, pearl, engagement ring, "
    "diamond ring, gemstone, crystal, tiara, pendant, locket",
    "key": "key, car key, house key, old key",
    "candle": "candle, candlestick, matchstick, lighter",
    "lamp": "lamp, lantern, desk lamp, light bulb, flashlight, torch, lightbulb, chandelier, oil lamp, paper lantern",
    "ball": "ball, football, basketball, soccer ball, tennis ball, baseball, volleyball, snowball, beach ball, "
    "globe, orb",
    "cigarette": "cigarette, cigar, pipe, joint",
    "balloon": "balloon, red balloon, kite",
    "mask": "mask, gas mask, helmet, venetian mask",
    "hat": "hat, cap, cowboy hat, straw hat, top hat, sunglasses, glasses, eyeglasses, headphones, scarf, beanie, "
    "headset",
    "statue": "statue, sculpture, bust, monument, obelisk, idol, snowman, mannequin, scarecrow, gargoyle, trophy, "
    "vase, urn",
    "toy": "toy, doll, teddy, lego, puppet, plush toy, toy car, toy train, toy robot, toy soldier, model train, "
    "chess piece, rubber duck, stuffed animal, playing card, dice, skateboard, surfboard, swing",
    "chair": "chair, armchair, sofa, couch, bench, throne, stool, rocking chair, wooden chair, park bench",
    "table": "table, desk, wooden table, coffee table, dining table, kitchen table, workbench, countertop, nightstand",
    "door": "door, doorway, gate, red door, elevator door, wooden door, archway",
    "mirror": "mirror",
    "tool": "tool, hammer, wrench, screwdriver, saw, shovel, paintbrush, brush, pen, pencil, needle, rope, drill, "
    "broom, fishing rod, magnifying glass, spoon, fork, chopsticks, spatula, frying pan, pan, pot, whisk, wand, "
    "magic wand, racket, baseball bat, syringe, test tube, beaker, comb, hairdryer, toothbrush, lipstick, mascara, "
    "cream jar, skincare product",
    "dress": "wedding dress",
    "money": "money, coin, banknote, cash, gold bar, credit card, dollar bill",
    "painting": "painting, poster, portrait painting, canvas, picture frame, framed photo, mural, photo, billboard",
    "object": "product, object, artifact, machine, device, gadget, engine, drone, cube, sphere, chess board, "
    "chessboard, record player, vinyl record, radio, cassette, feather, bell, flag, shell, seashell, bone, skull, "
    "egg timer, pillow, blanket, towel, bucket, ladder, tent, campfire, stone, vending machine, console, "
    "game controller, packaging, cosmetic, soap",
    "building": "building, apartment building, factory, barn, warehouse building, hut, cabin, tent house, stadium, "
    "pagoda, office building, stall, market stall, vendor stall, food stall, hospital building, school building, "
    "gas station, villa, mansion, greenhouse, water tower, fortress",
    "house": "house, cottage, farmhouse, log cabin, wooden house, wooden cabin, treehouse, igloo, haunted house, "
    "bungalow",
    "tower": "tower, eiffel tower, skyscraper, clock tower, minaret, spire, burj khalifa, big ben, statue of liberty",
    "castle": "castle, palace, citadel",
    "bridge": "bridge, suspension bridge, golden gate bridge, stone bridge, footbridge",
    "lighthouse": "lighthouse",
    "windmill": "windmill, wind turbine",
    "church": "church, chapel, cathedral, mosque",
}

# Nouns that are also verbs or adjectives: read as nouns after an article, a number, an adjective or at the start.
AMBIGUOUS = frozenset(
    """
    cook guard guide model host watch ring phone duck swallow crane bear seal fly train ship present note box can pan
    drum plant rose cap key stone lead vet pilot anchor coach conductor male female human fan lime orange cherry peach
    gold swing joint pipe saw bust bass match brush hammer screen mirror blade plane jet mobile plate dish bowl pot
    drill rocket mask tank bat boot ball gift shell egg pen organ folk lord ram mule alien bull mustang jaguar puma
    lighter document package barrel flag bell carriage bench chick calf mime shield staff bow guest judge spy captain
    parade figure player fighter leader speaker character mouse detail insert
    """.split()  # noqa: SIM905 - a list of words
)

PART_WORDS: Mapping[str, str] = {
    "eyes": "eye, eyes, iris, pupil, eyelash, tear",
    "face": "face, cheek, forehead, facial expression",
    "mouth": "mouth, lip, lips, smile, teeth, tongue",
    "hair": "hair, braid, curls",
    "hand": "hand, hands, finger, fingers, fingertip, palm, palms, fist, knuckle, thumb, gloved hand, paw, wrist",
    "foot": "foot, feet, toe, bare feet, footstep, ankle",
    "leg": "leg, legs, knee",
    "arm": "arm, arms, elbow",
    "back": "back of the head, back of her head, back of his head, nape",
}

# Settings, each word with a weight: ``!`` is 3, ``?`` is 2, none is 1. A setting needs 2: two weak words name it.
SETTING_WORDS: Mapping[str, str] = {
    "temple": "temple!, ruins!, shrine!, pyramid!, monastery!, ziggurat!, pagoda!, ancient temple!, angkor wat!, "
    "altar, stone stairs, monument, acropolis!, machu picchu!, ancient ruins!, ancient city!",
    "river": "river!, creek!, stream!, mangrove!, swamp!, lagoon!, bayou!, canal!, lake!, pond!, waterfall!, "
    "riverbank!, delta, marsh!, wetland!, riverside!, lakeside!, lakeshore!, skiff, canoe, kayak, rowboat, root, "
    "gondola, venice?, rapids!, dock",
    "sea": "sea!, ocean!, beach!, coast!, seaside!, shore!, shoreline!, coastline!, harbour!, harbor!, bay!, "
    "island!, pier!, open water!, high seas!, marina!, seashore!, surf, wave, sail, sailboat, ship, yacht, "
    "lighthouse, gull, seagull, cliff, horizon, surfer, sea cliff!, tide, sand, jetty!, wharf!, fjord!, santorini!",
    "street": "street!, alley!, alleyway!, avenue!, sidewalk!, crosswalk!, boulevard!, market!, street market!, "
    "plaza!, town square!, city square!, market square!, times square!, intersection!, shibuya!, "
    "shibuya crossing!, chinatown!, bazaar!, storefront!, shop window!, back alley!, lane!, market street!, taxi, "
    "neon, traffic, traffic light, street lamp, streetlight, shop, pedestrian, cobblestone, parking lot!, "
    "gas station!, crossing, zebra crossing!, city street!, downtown!, pavement!, curb, night market!, "
    "farmers market!, market stall!, subway entrance, village square!",
    "skyline": "skyline!, city!, cityscape!, rooftop!, rooftops!, skyscraper!, metropolis!, city skyline!, "
    "manhattan?, hong kong?, dubai?, new york?, new york city?, los angeles?, chicago?, shanghai?, singapore?, "
    "megacity!, town!, village!, paris?, london?, tokyo?, city lights, tower, building, bridge, helipad!",
    "interior": "room!, living room!, kitchen!, bedroom!, bathroom!, office!, cafe!, café!, bar!, pub!, restaurant!, "
    "diner!, library!, hallway!, corridor!, laboratory!, lab!, workshop!, classroom!, dining room!, basement!, "
    "attic!, garage!, elevator!, lobby!, hotel room!, hospital!, hospital room!, theater!, theatre!, gym!, "
    "studio apartment!, apartment!, loft!, warehouse!, gallery!, museum!, ballroom!, nightclub!, club!, "
    "dance floor!, barbershop!, bakery!, supermarket!, bookstore!, bookshop!, coffee shop!, control room!, "
    "server room!, prison cell!, locker room!, waiting room!, conference room!, meeting room!, boardroom!, "
    "courtroom!, throne room!, staircase!, stairwell!, recording studio!, dance studio!, art studio!, "
    "operating room!, dressing room!, backstage!, cockpit!, subway station!, church interior!, greenhouse!, "
    "cellar!, wine cellar!, study!, nursery!, salon!, sauna!, tavern!, inn!, saloon!, casino!, arcade!, "
    "shopping mall!, mall!, factory floor!, motel room!, bathtub!, parking garage!, tattoo parlor!, tearoom!, "
    "tea house!, concert hall!, great hall!, school hall!, hall!, chapel interior!, shed!, laundromat!, desk, "
    "lamp, fireplace!, couch!, sofa!, bed!, armchair, window, candle, bookshelf!, stove, fridge!, counter, "
    "curtain, ceiling, doorway, carpet, wooden floor, bathtub, desk lamp, window light, chandelier, floorboard, "
    "sink, blinds",
    "mountain": "mountain!, peak!, mountain peak!, summit!, alps!, glacier!, valley!, ridge!, canyon!, volcano!, "
    "himalaya!, himalayas!, mountain range!, snowy mountain!, hillside!, hill!, mount everest!, mount fuji!, "
    "rocky mountains!, mountainside!, grand canyon!, gorge!, ravine!, mountaintop!, andes!, ski slope!, fuji!, "
    "climber, hiker, cliff, snow, yak, cliffside!, cliff edge!, tundra!, arctic!, antarctica!, iceberg!, highlands!",
    "desert": "desert!, dune!, sand dune!, sahara!, oasis!, mesa!, savanna!, savannah!, wasteland!, mars!, "
    "martian surface!, salt flat!, camel, sand, sandstorm, cactus, badlands!, mojave!, outback!, monument valley!",
    "road": "road!, highway!, motorway!, freeway!, dirt road!, coastal road!, racetrack!, race track!, route 66!, "
    "tunnel!, car, truck, motorcycle, drive, drives, driving, bus, asphalt, headlights, guardrail",
    "forest": "forest!, jungle!, woods!, woodland!, rainforest!, grove!, pine forest!, bamboo forest!, "
    "forest floor!, treetop!, redwoods!, forest path!, forest clearing!, undergrowth!, bamboo!, pine, tree, "
    "branch, moss, fern, fairy, deer, foliage, leaf, canopy",
    "field": "field!, meadow!, prairie!, farm!, wheat field!, garden!, countryside!, orchard!, vineyard!, steppe!, "
    "park!, lawn!, grassland!, pasture!, rice field!, rice paddy!, flower field!, sunflower field!, "
    "lavender field!, cornfield!, backyard!, grassy hill!, playground!, poppy field!, cemetery!, graveyard!, "
    "golf course!, campsite!, football field!, soccer field!, grass, wheat, flower, barn, cow, sheep, tractor, "
    "horse, scarecrow, hay bale, picnic, wildflower, corn",
    "space": "space!, outer space!, deep space!, galaxy!, nebula!, asteroid!, asteroid belt!, cosmos!, "
    "orbit around earth!, moonscape!, lunar surface!, surface of the moon!, milky way!, planet!, black hole!, "
    "solar system!, zero gravity!, space station!, spacewalk!, spaceship, spacecraft, astronaut, satellite, "
    "starship, earth, stars, rocket",
    "underwater": "underwater!, coral reef!, coral!, reef!, seabed!, ocean floor!, deep sea!, kelp forest!, kelp!, "
    "under the sea!, under water!, beneath the waves!, sea floor!, bottom of the sea!, bottom of the ocean!, "
    "aquarium!, diver, fish, jellyfish, whale, shark, submarine, scuba diver, turtle, sea turtle, bubbles, "
    "underwater cave!, shipwreck!",
}
PLACE_WORDS: Mapping[str, str] = {
    "interior": "int, interior, indoor, indoors, inside, interior shot, interior of",
    "exterior": "ext, exterior, outdoor, outdoors, outside, exterior shot, exterior of, open air",
}
# Words that end the name of a place: `Hudson River`, `Central Park`.
PLACE_ENDINGS = frozenset(
    """
    river lake sea ocean bay island beach coast canal creek falls desert forest jungle park garden gardens street
    avenue boulevard square road highway bridge tower castle palace temple cathedral mountain mountains valley canyon
    village town city station market harbour harbor pier alley islands woods museum library alps hill hills reef cafe
    """.split()  # noqa: SIM905 - a list of words
)
PROPER = frozenset(
    """
    shibuya tokyo paris london manhattan dubai chicago shanghai singapore venice sahara himalaya himalayas fuji mars
    earth antarctica chinatown andes mojave arctic santorini alps
    """.split()  # noqa: SIM905 - a list of names
)

TIME_WORDS: Mapping[str, str] = {
    "dawn": "dawn, at dawn, sunrise, daybreak, first light, early morning, break of day, crack of dawn, early dawn",
    "morning": "morning, in the morning, mid morning, late morning, morning light, morning sun",
    "day": "day, daytime, daylight, by day, broad daylight, midday light, bright day, sunny day",
    "noon": "noon, midday, high noon, noonday, noon sun, midday sun",
    "afternoon": "afternoon, late afternoon, afternoon light, afternoon sun, mid afternoon",
    "golden-hour": "golden hour, golden light, magic hour, golden sunlight, golden hour light, golden sun, "
    "golden evening light",
    "dusk": "dusk, sunset, twilight, evening, sundown, nightfall, setting sun, at dusk, late evening, evening light, "
    "sunset sky",
    "blue-hour": "blue hour, blue twilight",
    "night": "night, night market, nighttime, at night, midnight, late night, moonlit, moonlight, starry, nocturnal, "
    "night time, by night, starlight, starry night, night sky, moonlit night, dead of night, 2am, 3am, starlit, "
    "tonight",
}
WEATHER_WORDS: Mapping[str, str] = {
    "rain": "rain, rainy, raining, rainfall, drizzle, downpour, monsoon, rain soaked, raindrop, rain slicked, "
    "heavy rain, shower of rain, pouring rain, rainstorm, rain drenched",
    "storm": "storm, stormy, thunderstorm, thunder, lightning, hurricane, tornado, typhoon, lightning bolt, "
    "lightning strike, cyclone, tempest",
    "snow": "snow, snowy, snowfall, snowing, blizzard, snowflake, snowstorm, snow covered, falling snow, "
    "snow capped, snowcapped, snow blanketed, sleet",
    "fog": "fog, foggy, mist, misty, haze, hazy, smog, fog drifting, fogbank",
    "wind": "wind, windy, breeze, gust, windswept, windblown, sandstorm, gale, dust storm, breezy",
    "clouds": "cloud, cloudy, overcast, grey sky, gray sky, cloudscape, cloudy sky, overcast sky, storm cloud, "
    "dark cloud",
    "clear": "sunny, clear sky, blue sky, sunlit, sunshine, clear blue sky, cloudless, bright sun, sunny day, "
    "clear night",
}

NUMBERS: Mapping[str, int] = {
    "a": 1, "an": 1, "one": 1, "single": 1, "lone": 1, "solitary": 1, "another": 1, "two": 2, "both": 2, "twin": 2,
    "pair of": 2, "couple of": 2, "three": 3, "trio of": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "dozen": 12, "twelve": 12, "a dozen": 12, "several": 0, "few": 0, "some": 0, "many": 0,
    "dozens of": 0,
    "hundreds of": 0, "thousands of": 0, "group of": 0, "flock of": 0, "herd of": 0, "pack of": 0, "school of": 0,
    "swarm of": 0, "team of": 0, "bunch of": 0, "line of": 0, "row of": 0, "fleet of": 0, "army of": 0, "countless": 0,
    "numerous": 0, "identical twin": 2, "gang of": 0, "circle of": 0, "groups of": 0, "rows of": 0,
    "multiple": 0, "various": 0, "couple": 2, "pride of": 0, "litter of": 0, "stack of": 0, "pile of": 0, "lots of": 0,
}  # fmt: skip
# Groups of people that stand alone: `a couple dances`.
GROUPS: Mapping[str, int] = {
    "couple": 2, "young couple": 2, "old couple": 2, "elderly couple": 2, "newlyweds": 2, "duo": 2,
    "pair": 2, "trio": 3,
    "lovers": 2,
    "twins": 2, "group": 0, "team": 0, "family": 0, "band": 0, "choir": 0, "orchestra": 0, "squad": 0, "parents": 2,
    "bride and groom": 2, "mother and daughter": 2, "father and son": 2, "mother and child": 2, "crew": 0, "gang": 0,
    "mother and son": 2, "father and daughter": 2, "man and woman": 2, "man and a woman": 2, "woman and a man": 2,
    "girl and boy": 2,
    "boy and girl": 2, "boy and a girl": 2, "class": 0, "squadron": 0, "entourage": 0, "staff members": 0,
}  # fmt: skip
AGES: Mapping[str, str] = {
    "old": "old, elderly, aged, ageing, aging, grey haired, gray haired, white haired, senior, ancient, wrinkled",
    "young": "young, teenage, adolescent, youthful",
    "child": "little, small child",
}
PRONOUNS: Mapping[str, str] = {
    "woman": "she, her, hers, herself",
    "man": "he, him, his, himself",
    "person": "they, their, them, themselves, my, your, you, i, our",
}
HOLDING = (
    "holding, holds, hold, carrying, carries, carry, clutching, clutches, gripping, grips, grabs, grabbing, "
    "wielding, wields, raising, raises, sipping, sips, drinking, drinks, drinking from, reading, reads, playing, "
    "plays, typing on, talking on, looking at his, looking at her, looking at their, using, uses, lifts, lifting, "
    "picks up, picking up, waves, waving, cradling, cradles, hugging, brandishing, scrolling, eating, eats, "
    "pours from, smoking, smokes, lights, opens, opening, strumming, strums, swinging, swings, pointing, aiming, "
    "aims, offering, hands over"
)
EMPTY = "empty, deserted, abandoned, uninhabited, unpopulated, desolate, vacant, lifeless"
NEGATION = (
    "no, without, free of, devoid of, no sign of, nobody, no one, absence of, lacking, never, not, avoid, nor, zero, "
    "absent of, empty of, minus, sans, don't show, do not show, doesn't, isn't, aren't, exclude"
)
COMPARISON = (
    "like, as if, as though, reminiscent of, inspired by, in the style of, style of, dreams of, dreaming of, "
    "thinking of, looks like, looking like, resembling, resembles, shaped like, sound of, sounds of, smell of, "
    "scent of, taste of, memory of, memories of, the idea of, metaphor for, hint of, song about, story of, "
    "tale of, words"
)
DEPICTION = (
    "painting of, picture of, photo of, photograph of, poster of, postcard of, mural of, tattoo of, drawing of, "
    "map of, logo of, print of, portrait of, sculpture of, model of, statue of, image of, images of, video of, "
    "documentary about, film about, book about, diagram of, chart of, screenshot of, photos of, pictures of, "
    "paintings of, posters of"
)
SPOKEN = "audio, sound, sfx, music, dialogue, dialog, sound effects, voiceover, voice over, negative prompt, narration"

# Phrases that hide a word with another meaning.
MISLEADING = (
    "fpv drone, basketball court, tennis court, volleyball court, video game, board game, bars, cells, halls, inns, "
    "bar chart, bar graph, pie chart, flow chart, line chart, bar of soap, gold bar, progress bar, status bar, "
    "color bars, space bar, snack bar, crow bar, bar code, barcode, monkey bars, skyline of a bar chart, "
    "movie star, rock star, pop star, film star, star of the show, five star, starfish, bay window, bedroom eyes, "
    "dog days, catwalk, cat eye, cat eyes, fish eye, fisheye, fish eye lens, fisheye lens, frying pan, pan flute, "
    "peter pan, train tracks, train of thought, railway tracks, train track, tracks in the snow, field of view, "
    "depth of field, shallow depth of field, deep depth of field, shallow field, playing field, force field, "
    "magnetic field, field notes, field trip, sound stage, slow motion, slow mo, slowmo, space between, "
    "negative space, empty space, white space, personal space, copy space, space for text, safe space, "
    "blank space, open space, parking space, living space, office space, work space, storage space, "
    "temple of her head, her temple, his temple, temples, forest green, ocean blue, sea green, sky blue, "
    "navy blue, midnight blue, desert boots, sea salt, street food, street clothes, street style, street wear, "
    "streetwear, mountain bike, beach towel, beach ball, garden hose, office chair, kitchen knife, sand paper, "
    "table tennis, pool table, water table, periodic table, table of contents, round table discussion, road map, "
    "roadmap, time table, wall street, bollywood, hollywood, sesame street, stream of consciousness, live stream, "
    "stream of people, stream of data, river of light, river of lava, data stream, tear streams, sea change, "
    "sea of lights, sea of umbrellas, sea of clouds, sea of red, sea of flowers, ocean of stars, "
    "mountain of books, mountain of laundry, island counter, kitchen island, city hall, raining cats and dogs, "
    "cold shoulder, hand in hand, hand to hand, on the other hand, hand drawn, hand painted, hand made, handmade, "
    "handcrafted, hand crafted, hold hands, holding hands, holds hands, hand written, handwritten, second hand, "
    "right hand side, left hand side, at hand, face to face, side by side, back and forth, back to back, on foot, "
    "square foot, six feet tall, eye contact, eye catching, eye shadow, light source, traffic jam, wave goodbye, "
    "waves goodbye, waves at, waving goodbye, waves her hand, waves his hand, heat wave, heat waves, "
    "wave of emotion, sound wave, shock wave, new wave, radio waves, long hair, hair flows, apple watch, "
    "apple store, amazon prime, mouse pad, computer mouse, mouse cursor, red carpet, bull market, stock market, "
    "bear market, black market, flea circus, market share, supermarket shelf, house music, white house, "
    "full house, house of cards, ware house, power house, glass ceiling, glass building, bridge of the nose, "
    "bridge of his nose, bridge of her nose, nose bridge, key light, key frame, keyframe, key visual, rim light, "
    "back light, backlit, light leaks, film grain, film stock, film look, spring onion, hot spring, fall asleep, "
    "evening gown, evening dress, night gown, night stand, nightstand, night club, night owl, day dream, daydream, "
    "day to day, one day, modern day, present day, every day, birthday, holiday, sunday, monday, friday, saturday, "
    "ring light, boxing ring, ring tone, ice cold, snow white, snow globe, white as snow, wind up, wind chime, "
    "storm trooper, brain storm, brainstorm, cloud computing, cloud storage, mushroom cloud, cloud of dust, "
    "cloud of smoke, fog of war, star wars, star trek, superstar, tree house, family tree, tree of life, "
    "family name, ship in a bottle, relationship, friendship, championship, leadership, bird cage, bird house, "
    "house plant, dog house, hot dog stand, wolf whistle, lion king, tiger woods, bear hug, teddy bear picnic, "
    "monkey bars, horse power, car park, car key, rose gold, rose tinted, orange juice, orange light, peach skin, "
    "cherry red, lime green, chocolate brown, salmon pink, robin hood, baby blue, baby pink, doll house, "
    "dollhouse, miniature house, toy house, human body, human nature, skeleton key, piano keys, keyboard keys, "
    "school of thought, film school, old school, old fashioned, year old, years old, young at heart, camera man, "
    "cameraman, close friends, figure skating, figure eight, model number, role model, 3d model, scale model, "
    "model kit, ski lift, lift off, face mask, face cream, hand cream, lip gloss, eye cream, body lotion, "
    "eyeliner, foot print, footprint, footprints, handprint, arms race, coffee table book, bed of roses, sea bed, "
    "river bed, garden bed, flower bed, death bed, truck bed, bed of moss, bed sheets, studio light, "
    "studio lighting, studio background, studio backdrop, studio portrait, studio ghibli, photo studio, "
    "office supplies, park bench, parked, spark, theme park, amusement park, jurassic park, south park, lab coat, "
    "lab grown, lab grown diamond, hallmark, club sandwich, golf club, golf clubs, fight club, soda club, "
    "cell division, solar cell, blood cell, stem cell, study of, case study, color study, light study, "
    "peak performance, peak of, summit meeting, valley girl, silicon valley, uncanny valley, hill of beans, "
    "mall cop, planet earth documentary, galaxy phone, samsung galaxy, milky way bar, orbit gum, mars bar, "
    "mercury, bamboo steamer, bamboo cutting board, wood grain, wooden board, coral pink, coral color, "
    "coral dress, coral lipstick, aquarium light, town car, hometown, village people, market research, "
    "lane change, tunnel vision, rooftop bar, roof rack, bank of america, river bank account, body of water, "
    "bodies of water, canal street bag, ocean wave pattern, forest spirit, elf on the shelf, desert storm, "
    "dessert, sand clock, tundra truck, highway patrol, road trip, road sign, road bike, roadrunner, rail road, "
    "crossroads, space suit, spacesuit, space age, space opera, space invaders, staring into space, into space, "
    "cyberspace, workspace, spacebar, steam punk, steampunk, stage light, fire place, firework, fireworks, "
    "fire works, fire fighter, fire truck, flame retardant, magic trick"
)

# Features that scenes are dressed with, besides those that follow from subjects and weather.
FEATURE_WORDS: Mapping[str, str] = {
    "mangrove": "mangrove, root, swamp",
    "jungle": "jungle, rainforest, tropical, vine, palm, palm tree",
    "pine": "pine, fir, spruce, conifer, taiga, alpine, cabin, pine forest, pine tree, log cabin",
    "palm": "palm, tropical, beach, oasis, island, palm tree",
    "snow": "winter, ice, frozen, glacier, icy, frost",
    "fog": "smoke, smoky, steam rising",
    "fire": "fire, flame, campfire, bonfire, burning, fireplace, torch, lava, volcano, explosion",
    "glow": "glow, glowing, bioluminescence, bioluminescent, luminous, firefly, lantern, magical, magic, fairy, "
    "ethereal, paper lantern",
    "stars": "star, starry, galaxy, cosmos, milky way, constellation, starry night, night sky, starlit",
    "moon": "moon, moonlight, moonlit, full moon, moonlit night",
    "sun": "sun, sunlight, sunlit, sunny, sunrise, sunset, sunbeam, setting sun, sunshine, sunny day",
    "aurora": "aurora, northern lights, aurora borealis",
    "dress": "dress, gown, robe, skirt, kimono, wedding dress, monk",
    "pack": "hiker, traveller, traveler, astronaut, explorer, climber, soldier, backpack, backpacker, rucksack",
    "steam": "steam, steaming, hot, coffee, tea, boiling, cooking, cup of coffee, cup of tea",
    "neon": "neon, cyberpunk, futuristic, synthwave, neon sign, neon light",
    "planet": "planet, mars, earth, jupiter, saturn, moonscape",
    "flowers": "flower, blossom, petal, cherry blossom, lavender, tulip, poppy, flower field, sunflower field, "
    "poppy field, lavender field, wildflower",
    "leaves": "leaf, autumn leaf, falling leaf, autumn",
    "autumn": "autumn, autumn leaf, autumn forest, autumnal",
    "dust": "dust, dusty, sand, sandstorm, particle, dust storm, dust mote",
    "lightning": "lightning, thunder, thunderstorm, lightning bolt, lightning strike",
    "lighthouse": "lighthouse, beacon",
    "cabin": "cabin, house, hut, barn, cottage, farmhouse, lodge, log cabin, wooden house, wooden cabin",
    "stairs": "stairs, staircase, stairway, pyramid, ziggurat, stone stairs",
    "window": "window, shop window",
    "rays": "light rays, sunbeam, light beam, light shafts, god rays, godrays, volumetric, volumetric light, sunrays",
}
MOOD_WORDS: Mapping[str, str] = {
    "neon": "neon, cyberpunk, synthwave, neon sign, neon light",
    "night": "moon, nocturnal, stars, dark, aurora, northern lights, full moon, darkness",
    "storm": "ominous, gloomy, menacing",
    "overcast": "grey, gray, bleak, moody, melancholy, sombre, somber",
    "winter": "winter, frozen, ice, icy, glacier, frost",
    "noon": "scorching, blazing, harsh, heat, sweltering",
    "day": "sunny, bright, sunlit, summer, spring, sunny day",
    "warm": "warm, cozy, cosy, candlelight, candlelit, fireplace, amber, warm light",
}
# The mood of a time of day and of a kind of weather; the first table that holds one decides.
MOODS_OF_TIMES: Mapping[str, str] = {
    "night": "night", "dawn": "dawn", "morning": "dawn", "dusk": "dusk", "golden-hour": "dusk", "blue-hour": "dusk",
    "noon": "noon", "day": "day", "afternoon": "day",
}  # fmt: skip
MOODS_OF_WEATHER: Mapping[str, str] = {
    "storm": "storm", "rain": "overcast", "fog": "overcast", "clouds": "overcast", "snow": "winter", "clear": "day",
}  # fmt: skip
SLOW = "slow, slowly, gentle, gently, calm, subtle, leisurely, gradually, gradual"
FAST = "fast, quick, quickly, rapid, rapidly, racing, swift, swiftly, hyperspeed, high speed"
WHIP = "whip, crash zoom, whip pan, swish pan, whip pans"
HANDHELD = (
    "handheld, hand held, shaky, shaky cam, documentary, handheld camera, hand held camera, shaky camera, "
    "camera shake, handheld shot, handheld tracking, found footage"
)
# Actions of people, by the pose that shows them.
ACTION_WORDS: Mapping[str, str] = {
    "run": "run, runs, running, runner, sprint, sprints, sprinting, jog, jogs, jogging, jogger, chases, flees, fleeing",
    "walk": "walk, walks, walking, strolls, strolling, steps, hikes, hiking, hiker, wanders, wandering, marches",
    "dance": "dance, dances, dancing, dancer, jumps, jumping, leaps, leaping, cheers, cheering, waves her arms, "
    "waves his arms, celebrates, celebrating",
    "sit": "sit, sits, sitting, seated, sat",
    "talk": "talk, talks, talking, speaks, speaking, argues, arguing, waves, waving, points, pointing, "
    "greets, explains",
}

# Words of craft and style: they mean nothing to a drawing, and are not reported as unknown.
STYLE = """
    shot view scene camera lens film footage video cinematic photorealistic realistic style light lighting lit soft
    dramatic beautiful stunning epic background foreground frame framing framed angle focus focused rack racking bokeh
    blur blurred blurry shallow deep depth anamorphic resolution detailed high quality fidelity hd uhd 4k 8k fps mm
    grain texture color colour colors colours palette tone tones contrast saturated muted vibrant vivid mood
    atmosphere atmospheric moody motion movement moving slow slowly gentle gently fast quickly steady steadily smooth
    smoothly continuous seamless cut sequence look looks looking aesthetic shadow shadows highlight highlights
    silhouetted natural commercial ad product documentary animation animate animated super very real ray rays
    reflection reflections cinematography composition symmetrical center centered centre left right up down forward
    backward toward towards away around through across along past over under behind above below near close closer far
    distance front side top bottom middle edge inside outside between beyond against
""".split()  # noqa: SIM905 - a list of words
FUNCTION = """
    a an the this that these those there here it its he she they we you i me my your his her our their them him us who
    whom which what where when while as at by for from in into of off on onto out to with within without and or but
    nor so yet if then than is are was were be been being am has have had do does did will would can could shall
    should may might must not no only just also too even still ever never once again more most less least much many
    few some any each every all both other another such own same one two first last next start starts begin begins end
    ends reveal reveals revealing show shows showing seen visible appear appears appearing become becomes come comes
    get gets go goes going make makes let after before during until about onto upon amid amidst among around because
    very
""".split()  # noqa: SIM905 - a list of words
# Function words of other languages with Latin letters that are no English words.
FOREIGN = """
    der das und mit eine einer einem einen im auf ist ein von zu durch nicht bei des dem den als auch wie ihr ihre
    sich nach le la les un une des du dans avec et sur est pour qui au aux sous vers sa ses elle il ils el los las una
    unos con del y en por para su sus sobre hacia entre desde lo gli della dello dei nel nella sulla sul che di da con
    alla allo dal uma um com os nas nos pela pelo ao na em het een van met op en aan zijn uit naar och med ett av som
    til og paa fra w na z ze pod nad przez jest ve bir ile da
""".split()  # noqa: SIM905 - a list of words

# Phrases that are directions to the camera only at the start of a clause, or next to a word of craft.
AT_START = frozenset(
    (
        "from above", "from below", "from the ground", "overhead", "directly above", "directly overhead",
        "straight down", "close", "wide", "medium", "close on", "tight on", "wide on", "insert", "straight on",
        "aerial", "low shot", "high shot", "detail of", "cutaway", "establishing",
    )
)  # fmt: skip
DETERMINERS = frozenset("a an the this that these those his her its their my your our each every no 's".split())  # noqa: SIM905
# Heads that stand for a number or a likeness before `of`: `sea of people`.
FIGURATIVE = frozenset(
    """
    sea ocean river forest mountain desert jungle skyline field galaxy island valley garden canyon city wave stream
    tunnel lake street
    """.split()  # noqa: SIM905 - a list of words
)
PREPOSITIONS = frozenset(
    """
    in on at of under over from with near along across by behind before through into inside above below beside between
    around against towards toward to and while as beyond amid amidst among
    """.split()  # noqa: SIM905 - a list of words
)

COLOURS: Mapping[str, str] = {
    "red": "#d8322f", "crimson": "#b3123a", "scarlet": "#e0301e", "orange": "#f08a24", "amber": "#ffb52e",
    "gold": "#f2c14e", "golden": "#f2c14e", "yellow": "#f5d64a", "green": "#3faf5a", "emerald": "#17a673",
    "teal": "#1fa6a6", "turquoise": "#2fd0c4", "cyan": "#35d7f0", "blue": "#3478f0", "azure": "#3f9bff",
    "indigo": "#4a3fc0", "violet": "#8446d8", "purple": "#8a3fc8", "magenta": "#e0379e", "pink": "#f27fb2",
    "white": "#f2f4f6", "silver": "#c9d2da", "brown": "#8a5a34",
}  # fmt: skip

# Camera moves: a name; whether its words also describe subjects; letters of which a prompt with the move holds some;
# and a pattern over the text in lower case without hyphens. Words that also describe subjects count next to a word for
# the camera, or where the sentence has named no subject yet.
# `<by>` stands for the words between a verb and its side, `<round>` for around.
PATTERN_PARTS: Mapping[str, str] = {
    "<by>": "(?:(?:\\w+ly|to|the|toward|towards|its|then|a|bit|further|camera|and|from|in|quick|slow) ){0,3}?",
    "<round>": "(?:around|round|about)",
}
MOVE_PATTERNS: tuple[tuple[str, bool, str, str], ...] = (
    ("static", False, "stati lock motionless still fixed tripod camera steady",
        r"static|locked off|lock off|motionless camera|still camera|fixed (?:camera|shot|frame|position)"
        r"|tripod|(?:camera|frame) (?:remains|stays|holds|is|is kept|stands) (?:\w+ly )?(?:still|fixed|static"
        r"|motionless|steady)|camera (?:does not|doesn't|never) move|no camera (?:movement|motion|move)"
        r"|without camera (?:movement|motion)|camera holds"),
    ("dolly-zoom", False, "zoom vertigo zolly trombone",
        r"dolly zoom|vertigo (?:effect|shot|zoom)|zolly|hitchcock zoom|trombone shot"),
    ("zoom-out", False, "zoom",
        r"zoom(?:s|ing|ed)? (?:slowly |quickly )?(?:out|back|away)|crash zoom out|zoom out"),
    ("zoom-in", False, "zoom",
        r"zoom(?:s|ing|ed)? (?:\w+ly )?(?:in|into|closer|toward|towards|on)|(?:crash|snap|slow|punch|fast"
        r"|quick) zoom"),
    ("pull", False, "pull doll track",
        r"(?:pull|pulls|pulling|pulled) ?(?:\w+ly )?(?:back|out|away)|pullback|pull out|doll(?:y|ies"
        r"|ying) (?:\w+ly )?(?:out|back|backward|backwards|away)|track(?:s|ing)? (?:\w+ly )?(?:out|backward"
        r"|backwards)"),
    ("pull", True, "back mov retreat",
        r"(?:back|backs|backing|move|moves|moving) (?:\w+ly )?(?:away|back|backward|backwards|out)|retreats"
        r"|retreating"),
    ("push", False, "push zoom truck doll track",
        r"push(?:es|ing)? ?(?:\w+ly )?(?:in|into|towards?|forwards?|closer)|push in|creeping zoom|truck in"
        r"|doll(?:y|ies|ying) ?(?:\w+ly )?(?:in|into|forwards?|towards?|closer)|track(?:s"
        r"|ing)? (?:\w+ly )?(?:in|forwards?)(?= |\W|$)"),
    ("push", True, "push mov creep inch approach",
        r"push(?:es|ing)? (?:through|past)|move[sd]? (?:\w+ly )?(?:in|closer|forwards?|towards?|into)"
        r"|moving (?:\w+ly )?(?:in|closer|forwards?)|creep(?:s|ing)? (?:in|forward|closer)|inch(?:es"
        r"|ing) (?:in|forward|closer)|approach(?:es|ing)"),
    ("pan-left", False, "pan",
        r"(?:pan|pans|panning|panned) <by>(?:left|leftward|leftwards)|swish pan left|whip pan left"),
    ("pan-right", False, "pan",
        r"(?:pan|pans|panning|panned) <by>(?:right|rightward|rightwards)"),
    ("pan-left", False, "pan",
        r"(?:pan|pans|panning) (?:\w+ ){0,5}?to the left"),
    ("pan-right", False, "pan",
        r"(?:pan|pans|panning) (?:\w+ ){0,5}?to the right"),
    ("tilt-up", False, "tilt pan",
        r"(?:tilt|tilts|tilting|tilted|pan|pans|panning) <by>(?:up|upward|upwards)"),
    ("tilt-down", False, "tilt pan",
        r"(?:tilt|tilts|tilting|tilted|pan|pans|panning) <by>(?:down|downward|downwards)"),
    ("pan-left", True, "swing turn rotat",
        r"(?:swing|swings|swinging|turn|turns|turning|rotates|rotating) <by>left"),
    ("pan-right", True, "swing turn rotat",
        r"(?:swing|swings|swinging|turn|turns|turning|rotates|rotating) <by>right"),
    ("pan", False, "pan",
        r"pans|panning|(?:camera|slow|gentle|quick|fast|whip|swish|smooth|horizontal|\d+ degree) pan"
        r"|pan (?:shot|across|over|along|to|from|of)"),
    ("descend", False, "crane jib boom ped elevator craning",
        r"(?:crane|jib|boom|pedestal|ped|elevator)s? <by>(?:down|descends|lowers|sinks|downward|downwards)"
        r"|craning down"),
    ("descend", True, "descend lower sink drop comes",
        r"descend(?:s|ing)?|lowers|lowering|sinks|drops down|comes down"),
    ("rise", False, "crane jib boom ped craning",
        r"(?:crane|jib|boom|pedestal|ped)s? (?:\w+ly )?(?:up|shot|upward|upwards|rises|rising|move|over)"
        r"|craning(?: up| over)?|cranes(?: up| over)?|jib up|boom up|crane$|crane(?=[,.;])|pedestal move"),
    ("rise", True, "ris ascend lift climb",
        r"rises|rising(?= (?:up|above|over|from|past|slowly|through|out|to|higher)|[,.;]|$)|rise (?:up|above"
        r"|over)|ascend(?:s|ing)?|lifts (?:up|off|above|over)|climbs"),
    ("aerial", False, "aerial drone fpv helicopter fly airborne hyperlapse",
        r"aerial|drone (?:shot|footage|view|video|flies|flight|flying|sweeps|glides|orbits|rises|pulls|pushes"
        r"|camera)|fpv|helicopter shot|flyover|fly over shot|fly through|flythrough|flying camera|airborne"
        r"|hyperlapse flight|by drone|from a drone"),
    ("aerial", True, "fl soar",
        r"fl(?:y|ies|ying|own|ew) (?:\w+ly )?(?:over|through|above|by|past|across|along|into|towards?|low)"
        r"|soar(?:s|ing)"),
    ("orbit-left", False, "orbit arc",
        r"(?:orbit|orbits|orbiting|arc|arcs|arcing) (?:\w+ ){0,3}?(?:left|counterclockwise|counter clockwise)"),
    ("orbit-right", False, "orbit arc",
        r"(?:orbit|orbits|orbiting|arc|arcs|arcing) (?:\w+ ){0,5}?(?:right|clockwise)"),
    ("orbit", False, "orbit arc 360 bullet",
        r"orbits|orbiting|(?:camera|slow|smooth|fast|full|half|\d+ degree|gentle|degree|drone) orbit"
        r"|orbit (?:shot|<round>|the|of|move)|arcs? (?:<round>|shot|left|right|move)|arcing|(?:camera"
        r"|slow) arc|360 (?:shot|degree|orbit)|bullet time"),
    ("orbit", True, "circl revolv rotat mov wrap swirl spin",
        r"circl(?:es|ing)(?: <round>)?|revolv(?:es|ing)|(?:rotates|rotating|moves|moving|wraps|swirls"
        r"|spins) <round>"),
    ("track-left", False, "track truck doll slider crab",
        r"(?:track|tracks|tracking|truck|trucks|trucking|dolly|dollies|slider) <by>(?:left|leftward)|crab left"
        r"|tracks? (?:\w+ ){0,4}?to the left"),
    ("track-right", False, "track truck doll slider crab",
        r"(?:track|tracks|tracking|truck|trucks|trucking|dolly|dollies|slider) <by>(?:right|rightward)"
        r"|crab right|tracks? (?:\w+ ){0,4}?to the right"),
    ("track-left", True, "slid mov travel",
        r"(?:slides?|sliding|moves|moving|travels|travelling) <by>left"),
    ("track-right", True, "slid mov travel",
        r"(?:slides?|sliding|moves|moving|travels|travelling) <by>right"),
    ("track", False, "track doll truck slider scroll follow lateral leading walk",
        r"tracking|tracks (?:along|alongside|past|with|beside|behind|the|her|him|them|a)|dolly (?:track|shot"
        r"|alongside|with|past|along)|trucking|truck shot|slider|side ?scroll\w*|follow (?:shot|cam)"
        r"|following shot|lateral (?:dolly|track|move|movement)|leading shot|walk and talk|dolly(?=[,.;]|$)"
        r"|dollies (?:along|with|past)"),
    ("track", True, "follow track travel keep",
        r"follows|following|travels (?:with|alongside)|travel(?:ing|ling) (?:with|alongside)|keeps pace"),
    ("glide", False, "steadicam gimbal glide floating",
        r"steadicam|gimbal shot|(?:slow|smooth|cinematic|gentle|camera) glide|floating camera"),
    ("glide", True, "glid float travel drift",
        r"glid(?:es|ing)|glide (?:down|through|along|over|past|across)|float(?:s|ing)? (?:down|through|along"
        r"|forward|over|past)|travel(?:s|ling|ing)? (?:down|through|along)|drift(?:s|ing)? (?:down|through"
        r"|forward|along|between|past|over)"),
    ("roll", False, "roll",
        r"camera roll|barrel roll|camera rolls|rolling camera|dutch roll"),
)  # fmt: skip

CAMERA_WORDS = frozenset(
    """
    camera shot drone view lens we steadicam gimbal frame dolly cam viewer angle helicopter pov footage jib slider
    tracking handheld
    """.split()  # noqa: SIM905 - a list of words
)
PERSONAL = frozenset("she her hers herself he him his himself they themselves".split())  # noqa: SIM905
